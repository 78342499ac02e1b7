# `terraform test` in this folder needs no account: the provider is mocked, and
# what SAP would answer stands here.

mock_provider "sapcalm" {
  mock_resource "sapcalm_destination" {
    defaults = {
      url = "https://eu10.alm.example/api"
    }
  }
  mock_resource "sapcalm_registration" {
    defaults = {
      status = "registered"
    }
  }
}

run "connects" {
  assert {
    condition     = sapcalm_registration.order_management.destination_name == sapcalm_destination.cloud_alm.name
    error_message = "The service registers through another destination."
  }
  assert {
    condition     = output.status == "registered"
    error_message = "The status is not handed on."
  }
}

run "registers_anew_at_another_address" {
  command = plan

  override_resource {
    target = sapcalm_destination.cloud_alm
    values = {
      url = "https://us10.alm.example/api"
    }
  }

  assert {
    condition     = sapcalm_registration.order_management.triggers.target == sapcalm_destination.cloud_alm.url
    error_message = "Another address of Cloud ALM would not be noticed."
  }
}
