# SAP Cloud Transport Management, with a service key of its instance. The name
# becomes part of the ids of transports: never change it, and never make a second
# destination for the same instance.
locals {
  transport = jsondecode(file("${path.module}/keys/transport.json"))
}

resource "sapcalm_destination" "cloud_transport_management" {
  name              = "CALM_FTR_CTMS_PROD" # begins with CALM_FTR_CTMS_
  url               = local.transport.uri
  client_id         = local.transport.uaa.clientid
  token_service_url = "${local.transport.uaa.url}/oauth/token"

  credentials = {
    client_secret_wo = local.transport.uaa.clientsecret
  }

  lifecycle {
    prevent_destroy = true # also of another name
  }
}
