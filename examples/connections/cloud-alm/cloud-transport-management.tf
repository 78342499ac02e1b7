# SAP Cloud Transport Management, with a service key of its instance. The name
# becomes part of the ids of transports: never change it, and never make a second
# destination for the same instance.
resource "sapcalm_destination" "cloud_transport_management" {
  name        = "CALM_FTR_CTMS_PROD" # begins with CALM_FTR_CTMS_
  service_key = { json_wo = file("${path.module}/keys/transport.json") }

  lifecycle {
    prevent_destroy = true # also of another name
  }
}
