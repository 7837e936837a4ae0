//! Functions with a syntax of their own, paths into VARIANT values, and literals of arrays and objects.

use sqlparser::ast::{
    AccessExpr, CeilFloorKind, DateTimeField, Expr, JsonPathElem, Subscript, TrimWhereField,
};

use super::Compiler;
use super::expression::literal;
use crate::sql::fragment::Sql;
use crate::sql::functions;
use crate::types::error::{Result, SnowflakeError};

impl Compiler<'_> {
    pub(super) fn special_form(&mut self, expr: &Expr) -> Result<Sql> {
        match expr {
            Expr::JsonAccess { value, path } => {
                let mut whole = self.expr(value)?;
                for element in &path.path {
                    whole = match element {
                        JsonPathElem::Dot { key, .. } => member(whole, key),
                        JsonPathElem::Bracket { key } => {
                            Sql::of("sf_get({0}, {1})", &[whole, self.expr(key)?])
                        }
                        JsonPathElem::ColonBracket { .. } => {
                            return Err(SnowflakeError::unsupported(format!("path {path}")));
                        }
                    };
                }
                Ok(whole)
            }
            Expr::CompoundFieldAccess { root, access_chain } => self.access(root, access_chain),
            Expr::Extract { field, expr, .. } => {
                functions::date_part(&field.to_string(), &self.expr(expr)?)
            }
            Expr::Ceil { expr, field } => self.rounded("ceil", expr, field),
            Expr::Floor { expr, field } => self.rounded("floor", expr, field),
            Expr::Position { expr, r#in } => {
                let (needle, text) = (self.expr(expr)?, self.expr(r#in)?);
                Ok(Sql::of("strpos({1}, {0})", &[needle, text]))
            }
            Expr::Substring { .. } => self.substring(expr),
            Expr::Trim { .. } => self.trim(expr),
            Expr::Tuple(items) => Ok(Sql::of("({0})", &[self.list(items)?])),
            Expr::Array(array) => {
                let items = self.members(&array.elem)?;
                Ok(Sql::call("json_array", &items))
            }
            Expr::Dictionary(fields) => {
                let mut args = Vec::new();
                for field in fields {
                    args.push(Sql::literal(&field.key.value));
                    args.push(self.expr(&field.value)?);
                }
                Ok(functions::object("OBJECT_CONSTRUCT", &args))
            }
            Expr::GroupingSets(sets) => self.sets("grouping sets ({0})", sets),
            Expr::Cube(sets) => self.sets("cube ({0})", sets),
            Expr::Rollup(sets) => self.sets("rollup ({0})", sets),
            other => Err(SnowflakeError::unsupported(other)),
        }
    }

    fn members(&mut self, items: &[Expr]) -> Result<Vec<Sql>> {
        let member = |item: &Expr| Ok(Sql::call("sf_member", &[self.expr(item)?]));
        items.iter().map(member).collect()
    }

    fn access(&mut self, root: &Expr, chain: &[AccessExpr]) -> Result<Sql> {
        let mut whole = self.expr(root)?;
        for step in chain {
            whole = match step {
                AccessExpr::Subscript(Subscript::Index { index }) => {
                    Sql::of("sf_get({0}, {1})", &[whole, self.expr(index)?])
                }
                AccessExpr::Dot(Expr::Identifier(ident)) => member(whole, &super::folded(ident)),
                other => return Err(SnowflakeError::unsupported(format!("path {other}"))),
            };
        }
        Ok(whole)
    }

    fn rounded(&mut self, name: &'static str, expr: &Expr, field: &CeilFloorKind) -> Result<Sql> {
        let mut args = vec![self.expr(expr)?];
        match field {
            CeilFloorKind::DateTimeField(DateTimeField::NoDateTime) => {}
            CeilFloorKind::Scale(scale) => args.push(literal(&scale.value)?),
            CeilFloorKind::DateTimeField(field) => {
                return Err(SnowflakeError::unsupported(format!("{name} to {field}")));
            }
        }
        Ok(Sql::call(name, &args))
    }

    fn substring(&mut self, expr: &Expr) -> Result<Sql> {
        let Expr::Substring {
            expr,
            substring_from,
            substring_for,
            ..
        } = expr
        else {
            return Err(SnowflakeError::unsupported(expr));
        };
        let Some(from) = substring_from else {
            return Err(SnowflakeError::unsupported("SUBSTRING without a start"));
        };
        // Snowflake takes a start of 0 for 1.
        let mut args = vec![self.expr(expr)?, self.expr(from)?.grouped()];
        let template = match substring_for {
            None => "substr({0}, case when {1} = 0 then 1 else {1} end)",
            Some(length) => {
                args.push(self.expr(length)?);
                "substr({0}, case when {1} = 0 then 1 else {1} end, {2})"
            }
        };
        Ok(Sql::of(template, &args))
    }

    fn trim(&mut self, expr: &Expr) -> Result<Sql> {
        let Expr::Trim {
            trim_where,
            trim_what,
            expr,
            trim_characters,
        } = expr
        else {
            return Err(SnowflakeError::unsupported(expr));
        };
        let name = match trim_where {
            None | Some(TrimWhereField::Both) => "trim",
            Some(TrimWhereField::Leading) => "ltrim",
            Some(TrimWhereField::Trailing) => "rtrim",
        };
        let mut args = vec![self.expr(expr)?];
        if let Some(what) = trim_what {
            args.push(self.expr(what)?);
        }
        for characters in trim_characters.iter().flatten() {
            args.push(self.expr(characters)?);
        }
        Ok(Sql::call(name, &args))
    }

    fn sets(&mut self, template: &'static str, sets: &[Vec<Expr>]) -> Result<Sql> {
        let mut written = Vec::new();
        for set in sets {
            written.push(Sql::of("({0})", &[self.list(set)?]));
        }
        Ok(Sql::of(template, &[Sql::list(written)]))
    }
}

/// A member of an object.
fn member(object: Sql, key: &str) -> Sql {
    let path = match key.contains(['"', '\\']) {
        false => Sql::literal(&format!("$.\"{key}\"")),
        true => Sql::literal(&format!("/{}", key.replace('~', "~0").replace('/', "~1"))),
    };
    Sql::of("json_extract({0}, {1})", &[object, path])
}
