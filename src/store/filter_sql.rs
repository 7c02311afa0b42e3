//! Queries as SQL: a tree becomes a condition with bound parameters, an order becomes keys, and the
//! end of a page becomes the condition for what is behind it.
//!
//! What a query means is defined by the evaluator in the crate `odata`; the tests of a backend hold
//! this to it. Where databases differ is in `dialect`; which column a field has is the backend's.

mod dialect;
mod operand;
mod parameter;
mod plan;
#[cfg(test)]
mod tests;

use std::borrow::Cow;

use odata::{Comparison, Condition, Direction, Kind, Literal, Operand, OrderKey, TextTest, Value};

pub use dialect::Dialect;
pub use parameter::Parameter;
pub use plan::{ByPlan, NEVER_MICROSECONDS, PlanColumns};

use super::operation::Position;

/// Where a field is kept. Instants are kept in microseconds, GUIDs as 16 bytes, enumerations as
/// their members' numbers.
#[derive(Clone, Debug, PartialEq)]
pub enum Column {
    /// An expression over the table's columns.
    Stored {
        /// The expression: a name, or within parentheses.
        sql: Cow<'static, str>,
        /// Whether it may be null.
        nullable: bool,
    },
    /// Nowhere: every row has this value.
    Constant(Value<'static>),
    /// Nowhere: it follows from the statement's plan and these columns. It is never null.
    Planned(ByPlan, &'static PlanColumns),
}

impl Column {
    /// A column that is never null.
    pub const fn required(sql: &'static str) -> Self {
        Self::Stored {
            sql: Cow::Borrowed(sql),
            nullable: false,
        }
    }

    /// A column that may be null.
    pub const fn nullable(sql: &'static str) -> Self {
        Self::Stored {
            sql: Cow::Borrowed(sql),
            nullable: true,
        }
    }
}

/// Writes one statement: its text and its parameters grow together.
pub struct Statement<F> {
    dialect: Dialect,
    column_of: fn(F) -> Column,
    text: String,
    parameters: Vec<Parameter>,
    planned: plan::Planned,
}

impl<F: Copy> Statement<F> {
    /// An empty statement over a table whose columns are these.
    pub fn new(dialect: Dialect, column_of: fn(F) -> Column) -> Self {
        Self {
            dialect,
            column_of,
            text: String::new(),
            parameters: Vec::new(),
            planned: plan::Planned::default(),
        }
    }

    /// The text, and the parameters in their order.
    pub fn finish(self) -> (String, Vec<Parameter>) {
        (self.text, self.parameters)
    }

    /// Appends text of ours.
    pub fn push(&mut self, sql: &str) {
        self.text.push_str(sql);
    }

    /// Appends a parameter.
    pub fn bind(&mut self, parameter: Parameter) {
        let number = self.parameters.len() + 1;
        let placeholder = self.dialect.placeholder(number, &parameter);
        self.parameters.push(parameter);
        self.text.push_str(&placeholder);
    }

    /// Appends a condition that is as true, false or null as the tree.
    pub fn condition(&mut self, condition: &Condition<F>) {
        match condition {
            Condition::And(conditions) => self.joined(conditions, " AND "),
            Condition::Or(conditions) => self.joined(conditions, " OR "),
            Condition::Not(inner) => {
                self.push("(NOT ");
                self.condition(inner);
                self.push(")");
            }
            Condition::Compare {
                operator,
                left,
                right,
            } => self.comparison(*operator, left, right),
            Condition::In { operand, list } => self.membership(operand, list),
            Condition::Text { test, text, part } => self.text_test(*test, text, part),
            Condition::Same(left, right) => {
                self.push("(");
                self.condition(left);
                self.push(self.dialect.is());
                self.condition(right);
                self.push(")");
            }
            Condition::Field(property) => self.column((self.column_of)(property.field)),
            Condition::Constant(Some(true)) => self.push("TRUE"),
            Condition::Constant(Some(false)) => self.push("FALSE"),
            Condition::Constant(None) => self.push("NULL"),
        }
    }

    /// Appends the expression of an order's key.
    pub fn key(&mut self, key: &OrderKey<F>) {
        self.column((self.column_of)(key.property.field));
    }

    /// Whether a key tells rows apart at all.
    pub fn sorts(&self, key: &OrderKey<F>) -> bool {
        !matches!((self.column_of)(key.property.field), Column::Constant(_))
    }

    /// Appends what stands behind a key in `ORDER BY`.
    pub fn direction(&mut self, key: &OrderKey<F>) {
        self.push(self.dialect.order(key.direction));
    }

    /// Appends the condition for the rows behind a page's end, in the order of these keys and then
    /// of the ids.
    pub fn behind(&mut self, keys: &[OrderKey<F>], ids: Direction, end: &Position) {
        let mut open = 0;
        for (key, value) in keys.iter().zip(&end.keys) {
            let column = (self.column_of)(key.property.field);
            if matches!(column, Column::Constant(_)) {
                continue;
            }
            self.push("(");
            open += 1;
            if self.beyond(&column, key.direction, value) {
                self.push(" OR ");
            }
            self.push("(");
            open += 1;
            self.column(column);
            self.push(self.dialect.is());
            self.bind(Parameter::of(value));
            self.push(" AND ");
        }
        self.push(match ids {
            Direction::Ascending => "id > ",
            Direction::Descending => "id < ",
        });
        self.bind(Parameter::Guid(end.id));
        self.push(&")".repeat(open));
    }

    /// Appends the condition for the rows that a key alone puts behind a value, if any can be. Null
    /// comes before everything ascending, after everything descending.
    fn beyond(&mut self, column: &Column, direction: Direction, value: &Value<'_>) -> bool {
        let nullable = matches!(column, Column::Stored { nullable: true, .. });
        match (direction, value) {
            (Direction::Ascending, Value::Null) => {
                self.column(column.clone());
                self.push(" IS NOT NULL");
            }
            (Direction::Descending, Value::Null) => return false,
            (Direction::Ascending, value) => {
                self.column(column.clone());
                self.push(self.dialect.collation(value));
                self.push(" > ");
                self.bind(Parameter::of(value));
            }
            (Direction::Descending, value) => {
                self.push("(");
                self.column(column.clone());
                self.push(self.dialect.collation(value));
                self.push(" < ");
                self.bind(Parameter::of(value));
                if nullable {
                    self.push(" OR ");
                    self.column(column.clone());
                    self.push(" IS NULL");
                }
                self.push(")");
            }
        }
        true
    }

    fn joined(&mut self, conditions: &[Condition<F>], word: &str) {
        self.push("(");
        for (index, condition) in conditions.iter().enumerate() {
            if index > 0 {
                self.push(word);
            }
            self.condition(condition);
        }
        self.push(")");
    }

    /// Never null: to `eq` and `ne` null is a value, and nothing is greater or less than null.
    fn comparison(&mut self, operator: Comparison, left: &Operand<F>, right: &Operand<F>) {
        let nullable = self.is_nullable(left) || self.is_nullable(right);
        let word = match operator {
            Comparison::Equal if nullable => self.dialect.is(),
            Comparison::NotEqual if nullable => self.dialect.is_not(),
            Comparison::Equal => " = ",
            Comparison::NotEqual => " <> ",
            Comparison::Greater => " > ",
            Comparison::GreaterOrEqual => " >= ",
            Comparison::Less => " < ",
            Comparison::LessOrEqual => " <= ",
        };
        let ordered = !matches!(operator, Comparison::Equal | Comparison::NotEqual);
        let (before, after) = if ordered && nullable {
            ("((", ") IS TRUE)")
        } else {
            ("(", ")")
        };
        self.push(before);
        self.operand(left);
        if left.kind() == Some(Kind::String) {
            self.push(self.dialect.text_collation());
        }
        self.push(word);
        self.operand(right);
        self.push(after);
    }

    /// Never null either.
    fn membership(&mut self, operand: &Operand<F>, list: &[Literal]) {
        let values: Vec<_> = list.iter().filter_map(Parameter::of_literal).collect();
        let takes_null = values.len() < list.len();
        let nullable = self.is_nullable(operand);
        self.push("(");
        if takes_null {
            self.operand(operand);
            self.push(" IS NULL OR ");
        }
        if values.is_empty() {
            // A list of nothing has no type either.
            self.push("FALSE)");
            return;
        }
        self.push("(");
        self.operand(operand);
        let (before, after) = self.dialect.any_of(values.first());
        self.push(before);
        self.bind(Parameter::List(values));
        self.push(after);
        self.push(")");
        if nullable && !takes_null {
            self.push(" IS TRUE");
        }
        self.push(")");
    }

    /// Null where either side is. Texts are looked through by code point; `LIKE` is nowhere, as it
    /// folds case and has wildcards.
    fn text_test(&mut self, place: TextTest, text: &Operand<F>, part: &Operand<F>) {
        self.push("(");
        match (self.dialect, place) {
            (dialect, TextTest::Contains) => {
                self.call(dialect.position(), &[text, part]);
                self.push(" > 0");
            }
            (Dialect::Postgres, TextTest::StartsWith) => self.call("starts_with", &[text, part]),
            (Dialect::Postgres, TextTest::EndsWith) => {
                self.push("right(");
                self.operand(text);
                self.push(", ");
                self.call("char_length", &[part]);
                self.push(") = ");
                self.operand(part);
            }
            (Dialect::Sqlite, TextTest::StartsWith) => {
                self.push("substr(");
                self.operand(text);
                self.push(", 1, ");
                self.call("length", &[part]);
                self.push(") = ");
                self.operand(part);
            }
            // A part that is longer than the text never equals what is cut from it, wherever.
            (Dialect::Sqlite, TextTest::EndsWith) => {
                self.push("substr(");
                self.operand(text);
                self.push(", ");
                self.call("length", &[text]);
                self.push(" - ");
                self.call("length", &[part]);
                self.push(" + 1) = ");
                self.operand(part);
            }
        }
        self.push(")");
    }
}
