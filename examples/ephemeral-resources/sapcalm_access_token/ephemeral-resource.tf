# A token of the Cloud ALM API. Terraform stores it nowhere. SAP stores what is
# in a destination: until the token expires it is a secret there.
ephemeral "sapcalm_access_token" "cloud_alm" {
  service_key = "cloud_alm"
}

# For example as a header of a destination, for a job that runs today. Whoever
# raises the version hands over a new token.
resource "sapcalm_destination" "job" {
  name           = "cloud-alm-job"
  url            = "https://eu10.alm.cloud.sap/api"
  authentication = "NoAuthentication"

  credentials = {
    properties_wo = {
      "URL.headers.Authorization" = "Bearer ${ephemeral.sapcalm_access_token.cloud_alm.access_token}"
    }
    version = 1
  }
}
