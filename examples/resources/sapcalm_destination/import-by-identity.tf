import {
  to = sapcalm_destination.cloud_alm
  identity = {
    name = "CloudALM"
  }
}
