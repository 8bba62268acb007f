// Drives our provider with openid-client, a certified relying party, and prints one JSON line a check.
// Usage: node rp.mjs CONFIG.json   { issuer, cookie, sub, callback, clients: {basic, post, keyed, pushing}, secret, key }
// The browser here is fetch with the session's cookie; it follows nothing by itself.
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';

const config = JSON.parse(readFileSync(process.argv[2], 'utf8'));
// Packages lie where the working directory is, not beside this file.
const load = createRequire(`${process.cwd()}/package.json`);
const rp = await import(pathToFileURL(load.resolve('openid-client')).href);
const jose = await import(pathToFileURL(load.resolve('jose')).href);

const check = (name, ok, told = '') => console.log(JSON.stringify({ name, ok: Boolean(ok), told: String(told) }));
const near = { execute: [rp.allowInsecureRequests] };
const browse = (url, cookie = config.cookie) =>
  fetch(url, { redirect: 'manual', headers: cookie ? { cookie: `__Host-sanji=${cookie}` } : {} });
const back = async (url, cookie) => new URL((await browse(url, cookie)).headers.get('location'));
const refused = async (name, act, word) => {
  try {
    await act();
    check(name, false, 'was taken');
  } catch (error) {
    const told = error.error ?? error.cause?.error ?? error.code ?? error.message;
    check(name, word === undefined || told === word, told);
  }
};

async function discover(client, auth, more = {}) {
  const metadata = { client_id: client, id_token_signed_response_alg: 'ES256', ...more };
  return rp.discovery(new URL(config.issuer), client, metadata, auth, near);
}

async function ask(party, more = {}, pushed = false) {
  const verifier = rp.randomPKCECodeVerifier();
  const [state, nonce] = [rp.randomState(), rp.randomNonce()];
  const parameters = {
    redirect_uri: config.callback,
    scope: 'openid profile rights',
    code_challenge: await rp.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
    state,
    nonce,
    ...more,
  };
  const url = pushed
    ? await rp.buildAuthorizationUrlWithPAR(party, parameters)
    : rp.buildAuthorizationUrl(party, parameters);
  return { url, verifier, state, nonce };
}

const redeem = (party, asked, url, more = {}) =>
  rp.authorizationCodeGrant(party, url, {
    pkceCodeVerifier: asked.verifier,
    expectedState: asked.state,
    expectedNonce: asked.nonce,
    idTokenExpected: true,
    ...more,
  });

async function whole(name, party, pushed = false) {
  const asked = await ask(party, {}, pushed);
  const tokens = await redeem(party, asked, await back(asked.url));
  const claims = tokens.claims();
  check(`${name}: signed on`, claims.sub === config.sub);
  const told = await rp.fetchUserInfo(party, tokens.access_token, claims.sub);
  check(`${name}: user information`, told.sub === claims.sub && told.name === claims.name, told.name);
  return { tokens, claims };
}

const key = await jose.importJWK(config.key, 'ES256');
const basic = await discover(config.clients.basic, rp.ClientSecretBasic(config.secret));
const metadata = basic.serverMetadata();
check('discovery names the issuer asked for', metadata.issuer === config.issuer);
check('PKCE with S256 is told', metadata.supportsPKCE());
check('iss in the answer is told', metadata.authorization_response_iss_parameter_supported === true);

const { tokens, claims } = await whole('secret in the header', basic);
const post = await discover(config.clients.post, rp.ClientSecretPost(config.secret));
await whole('secret in the body', post);
const keyed = await discover(config.clients.keyed, rp.PrivateKeyJwt({ key, kid: config.key.kid }));
await whole('private key', keyed);
await whole('private key a second time', keyed);
const pushing = await discover(config.clients.pushing, rp.PrivateKeyJwt({ key, kid: config.key.kid }));
await whole('pushed request', pushing, true);
const plain = await ask(pushing);
check('pushed request required: a plain one is refused here', (await browse(plain.url)).status === 400);
const rsa = await discover(config.clients.rsa, rp.ClientSecretBasic(config.secret), { id_token_signed_response_alg: 'RS256' });
await whole('RS256', rsa);

for (const name of ['region', 'platform', 'grants', 'auth_time', 'sid', 'at_hash', 'acr'])
  check(`the ID token tells ${name}`, claims[name] !== undefined, JSON.stringify(claims[name]));
check('the ID token is for this client alone', claims.aud === config.clients.basic);

// max_age, prompt, hints.
let asked = await ask(basic, { max_age: '3600' });
check('max_age is honoured', (await redeem(basic, asked, await back(asked.url), { maxAge: 3600 })).claims().sub === config.sub);
asked = await ask(basic, { max_age: '0' });
check('max_age=0 goes to the sign-in page', (await back(asked.url).catch(() => null)) === null
  || (await browse(asked.url)).headers.get('location').startsWith('/sso'));
asked = await ask(basic, { prompt: 'none' });
check('prompt=none is silent', (await redeem(basic, asked, await back(asked.url))).claims().sub === config.sub);
asked = await ask(basic, { prompt: 'none' });
const nobody = await back(asked.url, '');
await refused('prompt=none for nobody', () => redeem(basic, asked, nobody), 'login_required');
asked = await ask(basic, { prompt: 'none', id_token_hint: tokens.id_token });
check('a hint that fits', (await redeem(basic, asked, await back(asked.url))).claims().sub === config.sub);
asked = await ask(basic, { prompt: 'login' });
check('prompt=login goes to the sign-in page', (await browse(asked.url)).headers.get('location').includes('prompt=login'));

// What must not work.
asked = await ask(basic);
let url = await back(asked.url);
await refused('another verifier', () => redeem(basic, { ...asked, verifier: rp.randomPKCECodeVerifier() }, url), 'invalid_grant');
asked = await ask(basic);
url = await back(asked.url);
const first = await redeem(basic, asked, url);
await refused('a code a second time', () => redeem(basic, asked, url), 'invalid_grant');
await refused('tokens of a code that was presented twice', () => rp.fetchUserInfo(basic, first.access_token, config.sub));
asked = await ask(basic);
url = await back(asked.url);
await refused("another client's code", () => redeem(post, asked, url), 'invalid_grant');
const wrong = await discover(config.clients.basic, rp.ClientSecretBasic('wrong'));
asked = await ask(wrong);
url = await back(asked.url);
await refused('a wrong secret', () => redeem(wrong, asked, url), 'OAUTH_WWW_AUTHENTICATE_CHALLENGE');
const other = await jose.generateKeyPair('ES256');
const forged = await discover(config.clients.keyed, rp.PrivateKeyJwt({ key: other.privateKey, kid: config.key.kid }));
asked = await ask(forged);
url = await back(asked.url);
await refused('a wrong key', () => redeem(forged, asked, url), 'OAUTH_WWW_AUTHENTICATE_CHALLENGE');
for (const [name, address] of Object.entries({
  'more path': `${config.callback}/more`,
  'a query': `${config.callback}?x=1`,
  'a name before': config.callback.replace('://', '://user@'),
  'dot segments': config.callback.replace(/\/[^/]*$/, '/x/../evil'),
  'another port': config.callback.replace(/:\d+\//, ':1/'),
  'another host': config.callback.replace('127.0.0.1', 'localhost'),
  'another scheme': config.callback.replace('http:', 'https:'),
  'encoded dots': config.callback.replace(/\/[^/]*$/, '/%2e%2e/evil'),
  'capital letters': config.callback.toUpperCase(),
})) {
  const answer = await browse((await ask(basic, { redirect_uri: address })).url);
  check(`address of return with ${name}`, answer.status === 400 && !answer.headers.get('location'), answer.status);
}
for (const [name, more, word] of [
  ['plain PKCE', { code_challenge_method: 'plain' }, 'invalid_request'],
  ['claims', { claims: '{}' }, 'invalid_request'],
  ['a resource', { resource: 'https://x.example' }, 'invalid_request'],
  ['a request object', { request: 'e30.e30.' }, 'request_not_supported'],
  ['a token at once', { response_type: 'token' }, 'unsupported_response_type'],
]) {
  asked = await ask(basic, more);
  const error = (await back(asked.url)).searchParams.get('error');
  check(`${name} is refused`, error === word, error);
}

// Introspection, revocation, exchange.
const looked = await rp.tokenIntrospection(basic, tokens.access_token);
check('introspection of a token that holds', looked.active && looked.sub === config.sub);
check('introspection by another client', !(await rp.tokenIntrospection(post, tokens.access_token)).active);
const exchanged = await rp.genericGrantRequest(basic, 'urn:ietf:params:oauth:grant-type:token-exchange', {
  subject_token: tokens.access_token,
  subject_token_type: 'urn:ietf:params:oauth:token-type:access_token',
  audience: config.audience,
});
const jwks = jose.createRemoteJWKSet(new URL(metadata.jwks_uri), { [jose.customFetch]: fetch });
const delegated = await jose.jwtVerify(exchanged.access_token, jwks, { issuer: config.issuer, audience: config.audience, typ: 'at+jwt' });
check('a delegated token names who acts', delegated.payload.act.sub === config.platform && delegated.payload.chain.length === 1);
await refused('an exchange for an audience that is not registered', () =>
  rp.genericGrantRequest(basic, 'urn:ietf:params:oauth:grant-type:token-exchange', {
    subject_token: tokens.access_token,
    subject_token_type: 'urn:ietf:params:oauth:token-type:access_token',
    audience: '440000.hub',
  }), 'invalid_target');
const spare = (await whole('once more', basic)).tokens;
await rp.tokenRevocation(basic, spare.access_token);
check('a token that was taken back', !(await rp.tokenIntrospection(basic, spare.access_token)).active);

// Signing off.
for (const [name, address] of Object.entries({
  'of somebody else': 'https://evil.example/bye',
  'with more path': `${config.bye}/more`,
  'with a query': `${config.bye}?x=1`,
})) {
  const answer = await browse(rp.buildEndSessionUrl(basic, { id_token_hint: tokens.id_token, post_logout_redirect_uri: address }));
  check(`sign-off to an address ${name}`, answer.status === 400 && !answer.headers.get('location'));
}
const told = new Promise((resolve) => {
  const server = createServer((request, answer) => {
    let body = '';
    request.on('data', (piece) => { body += piece; });
    request.on('end', () => { answer.end(); resolve(new URLSearchParams(body).get('logout_token')); });
  });
  server.listen(config.port, '127.0.0.1');
});
const leaving = rp.buildEndSessionUrl(basic, { id_token_hint: tokens.id_token, post_logout_redirect_uri: config.bye, state: 's' });
const gone = await back(leaving);
check('sign-off leads back', gone.href === `${config.bye}?state=s`, gone.href);
const token = await told;
const notice = await jose.jwtVerify(token, jwks, { issuer: config.issuer, audience: config.clients.basic, typ: 'logout+jwt' });
check('the platform is told behind the browser', notice.payload.sid === claims.sid && notice.payload.sub === claims.sub
  && 'http://schemas.openid.net/event/backchannel-logout' in notice.payload.events && !('nonce' in notice.payload));
await refused('tokens after the sign-off', () => rp.fetchUserInfo(basic, first.access_token, config.sub));
asked = await ask(basic, { prompt: 'none' });
const after = await back(asked.url);
await refused('silence after the sign-off', () => redeem(basic, asked, after), 'login_required');
check('done', true);
process.exit(0);
