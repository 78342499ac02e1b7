import {
  to = sapcalm_job_monitoring.settlement
  identity = {
    job_id = "1"
  }
}
