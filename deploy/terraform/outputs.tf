output "email" {
  description = "For --impersonate, and for the annotation iam.gke.io/gcp-service-account."
  value       = google_service_account.authproxy.email
}
