//! Registers a device of which there is no hardware hash.

use axum::response::Response;
use http::{StatusCode, header};

use super::profile::{plan_if_shown, shown_by};
use crate::{
    domain::{
        device::{DeviceId, DeviceProperties},
        directory_error::DirectoryError,
        id,
        identity::LedgerEntryId,
        import::CallId,
        registration::{Undescribed, describe},
    },
    graph::{
        behavior::Behavior, device::write_device, device_change::read_device, entity::Place,
        json as wire, schema::EntitySet,
    },
    http::{
        call::{Call, Written, address, json, minimal, with_etag},
        error::ApiError,
        layers::limits::BODY_LIMIT_BYTES,
    },
    store::operation::{DeviceCreation, NewDevice},
};

/// Registers the device in the body, by its manufacturer, model and serial number.
pub async fn create(mut call: Call) -> Result<Response, ApiError> {
    // The live service has no such method.
    if call.behavior() == Behavior::Observed {
        return Err(ApiError::no_method());
    }
    let level = call.metadata_level()?;
    call.take_no_options()?;
    let body = call.read_body(BODY_LIMIT_BYTES).await?;
    let change = read_device(&wire::parse(&call.json_text(&body)?)?, call.version, None)?;
    drop(body);
    let subject = describe(DeviceProperties::of(change)).map_err(|error| undescribed(&error))?;
    let plan = plan_if_shown(&call).await?;
    call.meet().await;
    let now = call.kept_now();
    let new = NewDevice {
        id: DeviceId(id::time_ordered(now)),
        entry: LedgerEntryId(id::time_ordered(now)),
        call: CallId(id::time_ordered(now)),
        subject,
        actor: call.caller.actor(),
        now,
    };
    let device = match call.store().create_device(call.tenant(), new).await? {
        DeviceCreation::Registered(device) => device,
        DeviceCreation::Refused(error) => return Err(refused(error)),
    };
    let shown = shown_by(plan.as_ref(), &device);
    let location = call.location(EntitySet::Devices, device.id.0);
    let Written::Whole(status) = call.written(StatusCode::CREATED) else {
        return with_etag(minimal(&location)?, shown.revision(&device));
    };
    let mut body = Vec::new();
    write_device(
        &mut body,
        &device,
        &shown,
        &call.write_context(level),
        Place::Entity,
    );
    let mut response = json(status, level, body);
    response
        .headers_mut()
        .insert(header::LOCATION, address(&location)?);
    with_etag(response, shown.revision(&device))
}

fn undescribed(error: &Undescribed) -> ApiError {
    let what = if error.value.trim().is_empty() {
        "is missing".to_owned()
    } else {
        format!("tells no device from another: '{}'", error.value)
    };
    ApiError::bad_request(format!(
        "The property '{}' {what}. A device without a hardware hash is registered by its 'manufacturer', 'model' and 'serialNumber'.",
        error.property
    ))
}

/// Of another tenant's device nothing is told but that it is one.
fn refused(error: DirectoryError) -> ApiError {
    let message = match error {
        DirectoryError::ZtdDeviceAlreadyAssigned => {
            "The device is already registered in this tenant."
        }
        DirectoryError::ZtdDeviceAssignedToOtherTenant => {
            "The device is registered by another tenant."
        }
        DirectoryError::ZtdDeviceIsNotUnique => {
            "More than one known device has this manufacturer, model and serial number: import its hardware hash instead."
        }
        _ => "The device can't be registered.",
    };
    ApiError::conflict(format!("{message} ({})", error.name()), Vec::new())
        .with_phrase(error.name())
}
