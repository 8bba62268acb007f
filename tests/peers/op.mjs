// An OpenID provider by others (npm oidc-provider) for tests of this hub as relying party.
// Usage: node op.mjs CONFIG.json, from a folder with node_modules. CONFIG: {issuer, port, clients, users}.
// Prints one line of JSON when it listens; ends with its parent's pipe, or after ten minutes.
import { readFileSync } from 'node:fs';
import { generateKeyPairSync } from 'node:crypto';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
import { join } from 'node:path';

const base = createRequire(pathToFileURL(join(process.cwd(), 'package.json')));
const { Provider } = await import(pathToFileURL(base.resolve('oidc-provider')));
const config = JSON.parse(readFileSync(process.argv[2], 'utf8'));
const key = (kind, options, extra) => ({ ...generateKeyPairSync(kind, options).privateKey.export({ format: 'jwk' }), use: 'sig', ...extra });

const provider = new Provider(config.issuer, {
  clients: config.clients,
  jwks: {
    keys: [
      key('ec', { namedCurve: 'P-256' }, { kid: 'ec', alg: 'ES256' }),
      key('rsa', { modulusLength: 2048 }, { kid: 'rsa', alg: 'RS256' }),
    ],
  },
  claims: { openid: ['sub', 'region', 'hops'], profile: ['name', 'org'] },
  conformIdTokenClaims: config.conformIdTokenClaims ?? false,
  acrValues: ['urn:test:two'],
  cookies: { keys: ['for tests only'] },
  pkce: { required: () => true },
  clientAuthMethods: ['client_secret_basic', 'private_key_jwt'],
  enabledJWA: { clientAuthSigningAlgValues: ['ES256'] },
  features: {
    devInteractions: { enabled: true },
    pushedAuthorizationRequests: { enabled: config.par ?? true },
    backchannelLogout: { enabled: true },
    rpInitiatedLogout: { enabled: true },
  },
  // Its own guard against calling special addresses would refuse our loopback listener.
  fetch: (url, { dispatcher, ...options } = {}) => fetch(url, options),
  async findAccount(_, id) {
    return { accountId: id, claims: async () => ({ sub: id, ...(config.users[id] ?? {}) }) };
  },
});
for (const name of ['server_error', 'backchannel.error', 'grant.error', 'authorization.error', 'pushed_authorization_request.error'])
  provider.on(name, (...parts) => console.error(name, ...parts.map((part) => part?.error_description ?? part?.message ?? '')));
const server = provider.listen(config.port, '127.0.0.1', () => console.log(JSON.stringify({ port: server.address().port })));
process.stdin.on('end', () => process.exit(0)).resume();
setTimeout(() => process.exit(0), 600_000).unref();
