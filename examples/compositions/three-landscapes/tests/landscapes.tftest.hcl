# `terraform test` in this folder needs no account: both providers are mocked.

mock_provider "btp" {
  mock_resource "btp_subaccount_service_binding" {
    defaults = {
      credentials = "{}"
    }
  }
}

mock_provider "sapcalm" {
  alias = "dev"
}

mock_provider "sapcalm" {
  alias = "test"
}

mock_provider "sapcalm" {
  alias = "prod"
}

variables {
  global_account     = "acme"
  calm_subaccount_id = "11111111-1111-4111-8111-111111111111"
  landscapes = {
    dev  = "dddddddd-dddd-4ddd-8ddd-dddddddddddd"
    test = "eeeeeeee-eeee-4eee-8eee-eeeeeeeeeeee"
    prod = "ffffffff-ffff-4fff-8fff-ffffffffffff"
  }
}

run "each_landscape_has_keys_of_its_own" {
  assert {
    condition     = length(module.service_keys) == 3
    error_message = "A landscape has no keys."
  }
  assert {
    condition     = toset(keys(output.status)) == toset(["dev", "test", "prod"])
    error_message = "A landscape is not connected."
  }
}
