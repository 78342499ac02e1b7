resource "sapcalm_destination" "cloud_alm" {}

resource "sapcalm_registration" "order_management" {
  # The reference makes Terraform create the destination first and remove it last.
  destination_name = sapcalm_destination.cloud_alm.name

  # When the target changes: offboard through the old one, then register anew.
  triggers = {
    target = sapcalm_destination.cloud_alm.url
  }
}
