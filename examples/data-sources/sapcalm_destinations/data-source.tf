# All destinations of the subaccount.
data "sapcalm_destinations" "all" {}

# Those with one of these labels.
data "sapcalm_destinations" "production" {
  label = {
    key    = "env"
    values = ["prod", "prod-eu"]
  }
}

# One that may be missing.
data "sapcalm_destinations" "cloud_alm" {
  names = ["CloudALM"]
}

output "is_connected" {
  value = contains(keys(data.sapcalm_destinations.cloud_alm.destinations), "CloudALM")
}

output "plain_http" {
  value = [
    for name, destination in data.sapcalm_destinations.all.destinations : name
    if startswith(coalesce(destination.url, "-"), "http://")
  ]
}
