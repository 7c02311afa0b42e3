//! The tables that hold the truth, as both backends have them. What else a backend keeps follows
//! from these, and is made anew: keys that lead into the ledger, trigrams, claims.

use super::row::Value;

/// A table, and what is moved of it.
#[derive(Debug)]
pub(in crate::store) struct Table {
    /// What it is called.
    pub(in crate::store) name: &'static str,
    /// What is moved, the key first.
    pub(in crate::store) columns: &'static [Column],
    /// How many columns the key has. Rows are moved in its order.
    key: usize,
}

/// A column of a table.
#[derive(Clone, Copy, Debug)]
pub(in crate::store) struct Column {
    /// What it is called.
    pub(in crate::store) name: &'static str,
    /// What it holds.
    pub(in crate::store) kind: Kind,
    /// Whether it may hold nothing.
    pub(in crate::store) optional: bool,
}

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::store) enum Kind {
    Guid,
    Number,
    Flag,
    Text,
    Bytes,
}

impl Table {
    /// The columns that tell its rows apart.
    pub(in crate::store) fn key(&self) -> &'static [Column] {
        self.columns.get(..self.key).unwrap_or(self.columns)
    }

    /// The key of a row.
    pub(in crate::store) fn key_of<'a>(&self, row: &'a [Value]) -> &'a [Value] {
        row.get(..self.key).unwrap_or(row)
    }

    /// The key of a row, as people read it. Ids and numbers, nothing that a client sent.
    pub(in crate::store) fn say_key(&self, row: &[Value]) -> String {
        let named = self.key().iter().zip(row);
        let parts: Vec<_> = named
            .map(|(column, value)| format!("{} {value}", column.name.replace('_', " ")))
            .collect();
        parts.join(", ")
    }

    /// The names of its columns, as statements list them.
    pub(in crate::store) fn column_list(&self) -> String {
        list(self.columns)
    }

    /// The names of its key's columns, as statements list them.
    pub(in crate::store) fn key_list(&self) -> String {
        list(self.key())
    }
}

fn list(columns: &[Column]) -> String {
    let names: Vec<_> = columns.iter().map(|column| column.name).collect();
    names.join(", ")
}

const fn of(name: &'static str, kind: Kind) -> Column {
    Column {
        name,
        kind,
        optional: false,
    }
}

const fn guid(name: &'static str) -> Column {
    of(name, Kind::Guid)
}

const fn number(name: &'static str) -> Column {
    of(name, Kind::Number)
}

const fn flag(name: &'static str) -> Column {
    of(name, Kind::Flag)
}

const fn text(name: &'static str) -> Column {
    of(name, Kind::Text)
}

const fn bytes(name: &'static str) -> Column {
    of(name, Kind::Bytes)
}

impl Column {
    const fn optional(self) -> Self {
        Self {
            optional: true,
            ..self
        }
    }
}

/// Every table that is moved, in the order in which they are. What refers to others comes after
/// them, so that a half of it makes sense too.
pub(in crate::store) const TABLES: &[Table] = &[
    PROFILE,
    PROFILE_ASSIGNMENT,
    TENANT_SYNC,
    UPLOAD,
    IMPORT,
    LEDGER_ENTRY,
    DEVICE,
    DEVICE_TOMBSTONE,
    AUDIT,
];

const PROFILE: Table = Table {
    name: "profile",
    key: 2,
    columns: &[
        guid("tenant"),
        guid("id"),
        number("kind"),
        number("created_at"),
        number("modified_at"),
        text("display_name"),
        text("description"),
        text("locale"),
        text("device_name_template"),
        number("device_type"),
        number("usage_type"),
        number("user_type"),
        flag("hide_escape_link"),
        flag("hide_eula"),
        flag("hide_privacy_settings"),
        flag("skip_keyboard_page"),
        flag("extract_hardware_hash"),
        flag("allow_preprovisioning"),
        flag("skip_connectivity_check"),
        text("management_service_app_id").optional(),
        text("role_scope_tags"),
        number("screen_timeout_minutes").optional(),
        flag("screen_hide_progress").optional(),
        flag("screen_allow_early_use").optional(),
        flag("screen_block_retry").optional(),
        flag("screen_allow_log_collection").optional(),
        flag("screen_allow_use_on_failure").optional(),
        text("screen_error_message").optional(),
    ],
};

const PROFILE_ASSIGNMENT: Table = Table {
    name: "profile_assignment",
    key: 4,
    columns: &[
        guid("tenant"),
        guid("group_id"),
        flag("is_exclusion"),
        guid("profile"),
        number("effective_at"),
    ],
};

const TENANT_SYNC: Table = Table {
    name: "tenant_sync",
    key: 1,
    columns: &[
        guid("tenant"),
        number("started_at"),
        number("before").optional(),
    ],
};

const UPLOAD: Table = Table {
    name: "upload",
    key: 2,
    columns: &[
        guid("tenant"),
        guid("id"),
        number("created_at"),
        number("expired"),
    ],
};

/// In the order of acceptance, which is what the registrar and the trigrams go by.
const IMPORT: Table = Table {
    name: "import",
    key: 1,
    columns: &[
        number("seq"),
        guid("tenant"),
        guid("id"),
        guid("call"),
        number("accepted_at"),
        number("state"),
        number("version"),
        number("attempts"),
        guid("device").optional(),
        number("error_code").optional(),
        text("group_tag").optional(),
        text("serial_number").optional(),
        text("product_key").optional(),
        text("import_id").optional(),
        text("assigned_user_principal_name").optional(),
        number("hardware_len_bytes").optional(),
        bytes("hardware_content").optional(),
        guid("upload").optional(),
        number("settled_at").optional(),
    ],
};

const LEDGER_ENTRY: Table = Table {
    name: "ledger_entry",
    key: 2,
    columns: &[
        text("world"),
        guid("id"),
        guid("owner_tenant").optional(),
        guid("owner_device").optional(),
        guid("owner_call").optional(),
        text("serial_number"),
        text("product_key"),
        text("serial_number_folded"),
        text("product_key_folded"),
        bytes("fingerprints"),
    ],
};

const DEVICE: Table = Table {
    name: "device",
    key: 2,
    columns: &[
        guid("tenant"),
        guid("id"),
        guid("ledger_entry"),
        number("registered_at"),
        number("version"),
        text("group_tag"),
        text("serial_number"),
        text("product_key"),
        text("manufacturer"),
        text("model"),
        text("sku_number"),
        text("system_family"),
        text("user_principal_name"),
        text("purchase_order_identifier"),
        text("addressable_user_name"),
        text("resource_name"),
        text("directory_device_id"),
        text("managed_device_id"),
        text("display_name"),
        text("device_account_upn"),
        text("device_friendly_name"),
        number("userless_enrollment"),
        guid("direct_profile").optional(),
        number("targeted_at").optional(),
    ],
};

const DEVICE_TOMBSTONE: Table = Table {
    name: "device_tombstone",
    key: 2,
    columns: &[guid("tenant"), guid("id"), number("deleted_at")],
};

const AUDIT: Table = Table {
    name: "audit",
    key: 1,
    columns: &[
        number("seq"),
        guid("tenant"),
        number("at"),
        text("actor_kind"),
        text("actor_id"),
        text("application").optional(),
        text("action"),
        guid("import").optional(),
        guid("device").optional(),
        guid("ledger_entry").optional(),
        text("detail").optional(),
    ],
};
