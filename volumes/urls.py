"""The paths of volumes and what belongs to them."""

from storage_site.api import authorisation
from storage_site.api.routes import resource
from volumes.authorisation import RULES
from volumes.views import about, actions, attachments, metadata, quotas, services, snapshots, transfers, types, volumes

authorisation.register(RULES)

urlpatterns = [
    resource("volumes", volumes.Volumes, "volumes"),
    resource("volumes/detail", volumes.VolumesInFull, "volumes-detail"),
    resource("volumes/summary", volumes.Summary, "volumes-summary"),
    resource("volumes/{id}", volumes.OneVolume, "volume"),
    resource("volumes/{id}/action", actions.VolumeActions, "volume-action"),
    resource("volumes/{id}/metadata", metadata.Metadata, "volume-metadata"),
    resource("volumes/{id}/metadata/{key*}", metadata.MetadataPair, "volume-metadata-item"),
    resource("volumes/{id}/encryption", volumes.Encryption, "volume-encryption"),
    resource("volumes/{id}/encryption/{key}", volumes.EncryptionField, "volume-encryption-item"),
    resource("snapshots", snapshots.Snapshots, "snapshots"),
    resource("snapshots/detail", snapshots.SnapshotsInFull, "snapshots-detail"),
    resource("snapshots/{id}", snapshots.OneSnapshot, "snapshot"),
    resource("snapshots/{id}/action", snapshots.SnapshotActions, "snapshot-action"),
    resource("snapshots/{id}/metadata", snapshots.SnapshotMetadata, "snapshot-metadata"),
    resource("snapshots/{id}/metadata/{key*}", snapshots.SnapshotMetadataPair, "snapshot-metadata-item"),
    resource("attachments", attachments.Attachments, "attachments"),
    resource("attachments/detail", attachments.AttachmentsInFull, "attachments-detail"),
    resource("attachments/{id}", attachments.OneAttachment, "attachment"),
    resource("attachments/{id}/action", attachments.AttachmentActions, "attachment-action"),
    resource("os-volume-transfer", transfers.OlderTransfers, "older-transfers"),
    resource("os-volume-transfer/detail", transfers.TransfersInFull, "older-transfers-detail"),
    resource("os-volume-transfer/{id}", transfers.OneTransfer, "older-transfer"),
    resource("os-volume-transfer/{id}/accept", transfers.TransferAcceptance, "older-transfer-accept"),
    resource("volume-transfers", transfers.Transfers, "transfers"),
    resource("volume-transfers/detail", transfers.TransfersInFull, "transfers-detail"),
    resource("volume-transfers/{id}", transfers.OneTransfer, "transfer"),
    resource("volume-transfers/{id}/accept", transfers.TransferAcceptance, "transfer-accept"),
    resource("types", types.Types, "types"),
    resource("types/default", types.DefaultType, "type-default"),
    resource("types/{id}", types.OneType, "type"),
    resource("types/{id}/action", types.TypeActions, "type-action"),
    resource("types/{id}/extra_specs", types.Specs, "type-extra-specs"),
    resource("types/{id}/extra_specs/{key*}", types.OneSpec, "type-extra-spec"),
    resource("types/{id}/os-volume-type-access", types.Access, "type-access"),
    resource("os-quota-sets/{project}", quotas.QuotaSet, "quota-set"),
    resource("os-quota-sets/{project}/defaults", quotas.QuotaDefaults, "quota-set-defaults"),
    resource("limits", quotas.Limits, "limits"),
    resource("os-services", services.Services, "services"),
    resource("os-services/enable", services.Enable, "service-enable"),
    resource("os-services/disable", services.Disable, "service-disable"),
    resource("os-services/disable-log-reason", services.DisableWithReason, "service-disable-log-reason"),
    resource("os-availability-zone", services.Zones, "availability-zones"),
    resource("extensions", about.Extensions, "extensions"),
    resource("extensions/{alias}", about.OneExtension, "extension"),
    resource("resource_filters", about.ResourceFilters, "resource-filters"),
]
