-- What clients and actions set of a device, and how often they did. Absent is empty, as in 0001.

ALTER TABLE device ADD COLUMN version INTEGER NOT NULL DEFAULT 0;
ALTER TABLE device ADD COLUMN purchase_order_identifier TEXT NOT NULL DEFAULT '';
ALTER TABLE device ADD COLUMN addressable_user_name TEXT NOT NULL DEFAULT '';
ALTER TABLE device ADD COLUMN resource_name TEXT NOT NULL DEFAULT '';
ALTER TABLE device ADD COLUMN directory_device_id TEXT NOT NULL DEFAULT '';
ALTER TABLE device ADD COLUMN managed_device_id TEXT NOT NULL DEFAULT '';
ALTER TABLE device ADD COLUMN display_name TEXT NOT NULL DEFAULT '';
ALTER TABLE device ADD COLUMN device_account_upn TEXT NOT NULL DEFAULT '';
ALTER TABLE device ADD COLUMN device_friendly_name TEXT NOT NULL DEFAULT '';
-- unknown 0, allowed 1, blocked 2
ALTER TABLE device ADD COLUMN userless_enrollment INTEGER NOT NULL DEFAULT 0
    CHECK (userless_enrollment IN (0, 1, 2));
