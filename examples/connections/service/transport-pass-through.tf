# Transports of SAP Integration Suite through the SAP Cloud Transport Management
# that comes with Cloud ALM. SAP advises against it for new connections.
locals {
  cloud_alm = jsondecode(file("${path.module}/keys/cloud-alm.json"))
}

resource "sapcalm_destination" "transport_pass_through" {
  name              = "TransportManagementService" # exactly so
  url               = "${local.cloud_alm.endpoints.Api}/imp-cdm-transport-management-api/v1"
  client_id         = local.cloud_alm.uaa.clientid
  token_service_url = "${local.cloud_alm.uaa.url}/oauth/token"

  credentials = {
    client_secret_wo = local.cloud_alm.uaa.clientsecret
  }
  properties = {
    sourceSystemId = "INTEGRATION_SUITE_DEV" # the name of the source node
  }
}
