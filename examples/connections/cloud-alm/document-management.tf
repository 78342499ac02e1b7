# SAP Document Management service, with a service key of its instance. Cloud ALM
# makes a repository there once: the instance cannot be changed afterwards.
locals {
  documents = jsondecode(file("${path.module}/keys/documents.json"))
}

resource "sapcalm_destination" "document_management" {
  name              = "CALM_SD_DMS_INTEGRATION" # exactly so
  url               = local.documents.uri
  client_id         = local.documents.uaa.clientid
  token_service_url = "${local.documents.uaa.url}/oauth/token"

  credentials = {
    client_secret_wo = local.documents.uaa.clientsecret
  }

  lifecycle {
    prevent_destroy = true
  }
}
