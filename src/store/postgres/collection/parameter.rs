//! Queries' values as PostgreSQL takes them: each of the type that its place in the statement names.

use bytes::BytesMut;
use tokio_postgres::types::{IsNull, ToSql, Type, to_sql_checked};

use crate::store::filter_sql::Parameter;

type Failure = Box<dyn std::error::Error + Sync + Send>;

/// The type under which a parameter is sent. Null takes that of what it is compared with.
pub(super) fn type_of(parameter: &Parameter) -> Type {
    match parameter {
        Parameter::Null => Type::UNKNOWN,
        Parameter::Boolean(_) => Type::BOOL,
        Parameter::Integer(_) => Type::INT8,
        Parameter::Text(_) => Type::TEXT,
        Parameter::Guid(_) => Type::UUID,
        Parameter::List(items) => match items.first() {
            Some(Parameter::Integer(_)) => Type::INT8_ARRAY,
            Some(Parameter::Guid(_)) => Type::UUID_ARRAY,
            Some(Parameter::Boolean(_)) => Type::BOOL_ARRAY,
            _ => Type::TEXT_ARRAY,
        },
    }
}

impl ToSql for Parameter {
    fn to_sql(&self, kind: &Type, out: &mut BytesMut) -> Result<IsNull, Failure> {
        match self {
            Self::Null => Ok(IsNull::Yes),
            Self::Boolean(truth) => truth.to_sql(kind, out),
            Self::Integer(number) => number.to_sql(kind, out),
            Self::Text(text) => text.as_str().to_sql(kind, out),
            Self::Guid(id) => id.to_sql(kind, out),
            // The empty list is of texts.
            Self::List(items) if items.is_empty() => Vec::<String>::new().to_sql(kind, out),
            Self::List(items) => items.to_sql(kind, out),
        }
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    to_sql_checked!();
}
