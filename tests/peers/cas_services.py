"""Makes the tables of the CAS server by others and enters the services it gives tickets for."""

import re

import django
from django.conf import settings
from django.core.management import call_command

django.setup()
call_command("migrate", verbosity=0)

from cas_server.models import ServicePattern  # noqa: E402 — Django wants to be set up first

for number, address in enumerate(settings.CONFIG["services"], 1):
    service = ServicePattern.objects.create(
        pos=number,
        name=f"service {number}",
        pattern=f"^{re.escape(address)}(\\?.*)?$",
        single_log_out=True,
        proxy=False,
    )
    for name in settings.CAS_TEST_ATTRIBUTES:
        service.attributs.create(name=name)
