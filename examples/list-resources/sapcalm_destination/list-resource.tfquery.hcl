# terraform query, or terraform query -generate-config-out=found.tf

# Every destination that the service key can see.
list "sapcalm_destination" "all" {
  provider = sapcalm
  limit    = 1000
}

# Destinations for SAP Cloud ALM in the subaccount, with all their attributes.
list "sapcalm_destination" "cloud_alm" {
  provider         = sapcalm
  include_resource = true

  config {
    level       = "subaccount"
    name_prefix = "CALM_"
    label = {
      key    = "env"
      values = ["prod"]
    }
  }
}
