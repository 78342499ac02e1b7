"""SAP's Cloud SDK for Python reads destinations: `read.py NAME@LEVEL…`. It prints for
each what a request to it would be made of."""

import json
import sys

from sap_cloud_sdk.destination import ConsumptionLevel, create_client


def read(client, name):
    name, level = name.split("@")
    destination = client.get_destination(name, level=ConsumptionLevel(level))
    token = destination.auth_tokens[0]
    return {"url": destination.url, "authorization": token.http_header["value"]}


client = create_client()
print(json.dumps([read(client, name) for name in sys.argv[1:]]))
