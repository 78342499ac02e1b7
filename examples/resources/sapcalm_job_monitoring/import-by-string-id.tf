import {
  to = sapcalm_job_monitoring.settlement
  id = "1"
}
