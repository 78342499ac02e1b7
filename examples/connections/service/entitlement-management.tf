# SAP Entitlement Management, for Business Process Monitoring only. Then, in its
# user interface: System Administration, Maintain System Settings, SAP Cloud ALM
# Integration, Enable Business Process Monitoring with this destination.
resource "sapcalm_destination" "entitlement_management" {
  name        = "CALM_BPMON" # begins with CALM_
  service_key = { url_form = "origin_with_slash" }
}
