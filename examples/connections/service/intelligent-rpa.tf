# SAP Intelligent Robotic Process Automation. Then, in its user interface: add
# the destination to the environments; Configuration, SAP Cloud ALM, Register.
resource "sapcalm_destination" "intelligent_rpa" {
  name        = "sap_intelligent_rpa_cloud_alm"
  service_key = { url_form = "origin_with_slash" }

  properties = {
    "sap.processautomation.enabled" = "true"
  }
}
