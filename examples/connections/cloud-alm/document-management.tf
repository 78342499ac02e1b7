# SAP Document Management service, with a service key of its instance. Cloud ALM
# makes a repository there once: the instance cannot be changed afterwards.
resource "sapcalm_destination" "document_management" {
  name        = "CALM_SD_DMS_INTEGRATION" # exactly so
  service_key = { json_wo = file("${path.module}/keys/documents.json") }

  lifecycle {
    prevent_destroy = true
  }
}
