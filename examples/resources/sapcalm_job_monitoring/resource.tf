# A job that an application has created. Cloud ALM shows its runs from now on.
resource "sapcalm_job_monitoring" "settlement" {
  job_id = 1
}
