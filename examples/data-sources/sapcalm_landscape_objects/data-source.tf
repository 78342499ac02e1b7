# Every cloud service that SAP Cloud ALM knows.
data "sapcalm_landscape_objects" "services" {
  object_type = "CloudService"
}

output "services" {
  value = {
    for object in data.sapcalm_landscape_objects.services.objects :
    object.lms_id => object.name
  }
}
