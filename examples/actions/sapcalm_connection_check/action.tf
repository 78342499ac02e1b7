# At any time: terraform apply -invoke=action.sapcalm_connection_check.sap
action "sapcalm_connection_check" "sap" {}
