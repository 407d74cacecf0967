# The service account whose tokens authproxy sends, and what it may do: call the services named here.
# Not applied anywhere: see README.md.

terraform {
  required_version = ">= 1.5"
  required_providers {
    google = {
      source  = "hashicorp/google"
      version = ">= 6, < 8"
    }
  }
}

locals {
  member = "serviceAccount:${google_service_account.authproxy.email}"
}

resource "google_service_account" "authproxy" {
  project      = var.project
  account_id   = "authproxy"
  display_name = "authproxy: calls services on Cloud Run"
}

# On each service, not on the project: a token is good for what it was asked for, and no more.
resource "google_cloud_run_v2_service_iam_member" "invoker" {
  for_each = var.services
  project  = var.project
  location = each.value
  name     = each.key
  role     = "roles/run.invoker"
  member   = local.member
}

# `service = "PROJECT/REGION/NAME"` instead of a URL: the address is looked up.
resource "google_cloud_run_v2_service_iam_member" "viewer" {
  for_each = var.by_name ? var.services : {}
  project  = var.project
  location = each.value
  name     = each.key
  role     = "roles/run.viewer"
  member   = local.member
}

# GKE: these Kubernetes service accounts (NAMESPACE/NAME) get its tokens from the metadata server.
resource "google_service_account_iam_member" "kubernetes" {
  for_each           = var.kubernetes_service_accounts
  service_account_id = google_service_account.authproxy.name
  role               = "roles/iam.workloadIdentityUser"
  member             = "serviceAccount:${var.project}.svc.id.goog[${each.value}]"
}

# --impersonate: these people and groups may act as it, without a key file.
resource "google_service_account_iam_member" "impersonators" {
  for_each           = var.impersonators
  service_account_id = google_service_account.authproxy.name
  role               = "roles/iam.serviceAccountTokenCreator"
  member             = each.value
}

# `impersonate` in a [keys.NAME] or a service: authproxy itself acts as others.
resource "google_service_account_iam_member" "acts_as" {
  for_each           = var.acts_as
  service_account_id = "projects/${var.project}/serviceAccounts/${each.value}"
  role               = "roles/iam.serviceAccountTokenCreator"
  member             = local.member
}

# api_key = "secret:projects/P/secrets/S": these secrets, and no others.
resource "google_secret_manager_secret_iam_member" "reader" {
  for_each  = var.secrets
  project   = var.project
  secret_id = each.value
  role      = "roles/secretmanager.secretAccessor"
  member    = local.member
}
