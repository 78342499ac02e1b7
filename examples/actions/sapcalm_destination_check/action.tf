resource "sapcalm_destination" "cloud_alm" {
  lifecycle {
    # After every change of the destination, see whether it works.
    action_trigger {
      events  = [after_create, after_update]
      actions = [action.sapcalm_destination_check.cloud_alm]
    }
  }
}

# At any time: terraform apply -invoke=action.sapcalm_destination_check.cloud_alm
action "sapcalm_destination_check" "cloud_alm" {
  config {
    name = "CloudALM"
  }
}
