import {
  to = sapcalm_destination.cloud_alm
  id = "subaccount/CloudALM"
}
