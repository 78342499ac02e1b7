# Transports of SAP Integration Suite through the SAP Cloud Transport Management
# that comes with Cloud ALM. SAP advises against it for new connections.
resource "sapcalm_destination" "transport_pass_through" {
  name        = "TransportManagementService" # exactly so
  service_key = { url_path = "/imp-cdm-transport-management-api/v1" }

  properties = {
    sourceSystemId = "INTEGRATION_SUITE_DEV" # the name of the source node
  }
}
