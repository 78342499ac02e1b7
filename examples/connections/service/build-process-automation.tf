# SAP Build Process Automation. Then, in its user interface: Backend
# Configuration, SAP Cloud ALM, a service name, Save, Register.
resource "sapcalm_destination" "process_automation" {
  name        = "sap_process_automation_cloud_alm"
  service_key = { url_form = "origin_with_slash" }
}
