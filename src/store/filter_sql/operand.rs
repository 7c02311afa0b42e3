//! The values that conditions are about, as SQL.
//!
//! None but columns and instants, which are columns or literals, is written twice: functions stand
//! within each other, and the text would double with every one.

use odata::{Literal, Operand, Value};

use super::{Column, Parameter, Statement};

/// No text is longer. Larger numbers mean the same to `substring`, and sums of them overflow nothing.
const BEYOND_ANY_TEXT: i64 = i32::MAX as i64 - 1;

impl<F: Copy> Statement<F> {
    /// Appends a value; null where an argument is null.
    pub(super) fn operand(&mut self, operand: &Operand<F>) {
        match operand {
            Operand::Literal(literal) => self.literal(literal),
            Operand::Field(property) => self.column((self.column_of)(property.field)),
            // Both databases fold ASCII alone, PostgreSQL by its collation.
            Operand::ToLower(inner) => self.folded("lower(", inner),
            Operand::ToUpper(inner) => self.folded("upper(", inner),
            // Both take away U+0020 alone.
            Operand::Trim(inner) => {
                self.push("trim(");
                self.operand(inner);
                self.push(")");
            }
            Operand::Concat(left, right) => {
                self.push("(");
                self.operand(left);
                self.push(" || ");
                self.operand(right);
                self.push(")");
            }
            Operand::Length(inner) => self.call(self.dialect.length(), &[inner]),
            Operand::IndexOf { text, part } => {
                self.push("(");
                self.call(self.dialect.position(), &[text, part]);
                self.push(" - 1)");
            }
            Operand::Substring {
                text,
                start,
                length,
            } => {
                self.push("substr(");
                self.operand(text);
                self.push(", ");
                self.not_negative(start);
                self.push(" + 1");
                if let Some(length) = length {
                    self.push(", ");
                    self.not_negative(length);
                }
                self.push(")");
            }
            Operand::Part(part, inner) => match self.instant(inner) {
                Instant::Known(None) => self.push("NULL"),
                Instant::Known(Some(instant)) => self.bind(Parameter::of_part(*part, instant)),
                Instant::Column(sql) => {
                    let sql = self.dialect.part(*part, &sql);
                    self.push(&sql);
                }
            },
        }
    }

    /// Appends a column, or the value that all rows have.
    pub(super) fn column(&mut self, column: Column) {
        match column {
            Column::Stored { sql, .. } => self.push(&sql),
            Column::Constant(value) => self.bind(Parameter::of(&value)),
            Column::Planned(what, columns) => {
                let sql = self.planned(what, columns);
                self.push(&sql);
            }
        }
    }

    /// Appends a function's call.
    pub(super) fn call(&mut self, function: &str, arguments: &[&Operand<F>]) {
        self.push(function);
        self.push("(");
        for (index, argument) in arguments.iter().enumerate() {
            if index > 0 {
                self.push(", ");
            }
            self.operand(argument);
        }
        self.push(")");
    }

    /// Whether a value may be null.
    pub(super) fn is_nullable(&self, operand: &Operand<F>) -> bool {
        match operand {
            Operand::Literal(literal) => *literal == Literal::Null,
            Operand::Field(property) => match (self.column_of)(property.field) {
                Column::Stored { nullable, .. } => nullable,
                Column::Constant(value) => value == Value::Null,
                Column::Planned(..) => false,
            },
            Operand::ToLower(inner)
            | Operand::ToUpper(inner)
            | Operand::Trim(inner)
            | Operand::Length(inner)
            | Operand::Part(_, inner) => self.is_nullable(inner),
            Operand::Concat(one, other)
            | Operand::IndexOf {
                text: one,
                part: other,
            } => self.is_nullable(one) || self.is_nullable(other),
            Operand::Substring {
                text,
                start,
                length,
            } => {
                self.is_nullable(text)
                    || self.is_nullable(start)
                    || length
                        .as_ref()
                        .is_some_and(|length| self.is_nullable(length))
            }
        }
    }

    fn literal(&mut self, literal: &Literal) {
        match Parameter::of_literal(literal) {
            Some(parameter) => self.bind(parameter),
            None => self.push("NULL"),
        }
    }

    fn folded(&mut self, function: &str, inner: &Operand<F>) {
        self.push(function);
        self.operand(inner);
        self.push(self.dialect.text_collation());
        self.push(")");
    }

    /// Appends a number of code points; what is below 0 counts as 0.
    fn not_negative(&mut self, number: &Operand<F>) {
        if let Operand::Literal(Literal::Integer(number)) = number {
            self.push(self.dialect.short().0);
            self.bind(Parameter::Integer((*number).clamp(0, BEYOND_ANY_TEXT)));
            self.push(self.dialect.short().1);
            return;
        }
        let (before, after) = self.dialect.not_negative();
        self.push(before);
        self.operand(number);
        self.push(after);
    }

    /// An instant: no function makes one, so that it is a column or known.
    fn instant(&mut self, operand: &Operand<F>) -> Instant {
        match operand {
            Operand::Literal(Literal::Instant(instant)) => Instant::Known(Some(*instant)),
            Operand::Field(property) => match (self.column_of)(property.field) {
                Column::Stored { sql, .. } => Instant::Column(sql.into_owned()),
                Column::Constant(Value::Instant(instant)) => Instant::Known(Some(instant)),
                Column::Constant(_) => Instant::Known(None),
                Column::Planned(what, columns) => Instant::Column(self.planned(what, columns)),
            },
            _ => Instant::Known(None),
        }
    }
}

enum Instant {
    Known(Option<jiff::Timestamp>),
    Column(String),
}
