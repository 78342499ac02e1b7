# The first plan talks to SAP.
data "sapcalm_connection" "sap" {}

# A warning in every plan as long as something fails.
check "sap" {
  assert {
    condition     = length(data.sapcalm_connection.sap.failed) == 0
    error_message = "Fails: ${join(", ", data.sapcalm_connection.sap.failed)}"
  }
}

output "observed" {
  value = { for name, row in data.sapcalm_connection.sap.rows : name => row.observed }
}
