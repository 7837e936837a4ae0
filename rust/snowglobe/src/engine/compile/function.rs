//! Calls of functions, aggregates and window functions.

use sqlparser::ast::{
    BinaryOperator, DuplicateTreatment, Expr, Function, FunctionArg, FunctionArgExpr,
    FunctionArgumentClause, FunctionArgumentList, FunctionArguments, NullTreatment, ObjectNamePart,
    Value, WindowFrame, WindowFrameBound, WindowFrameUnits, WindowSpec, WindowType,
};

use super::{Compiler, folded};
use crate::sql::fragment::Sql;
use crate::sql::functions::{self, Rendering};
use crate::types::error::{Result, SnowflakeError};

/// What may stand around the arguments of an aggregate.
#[derive(Default)]
struct Around {
    is_distinct: bool,
    /// ` order by …`
    order: Sql,
    /// ` ignore nulls`
    nulls: &'static str,
    within_group: Sql,
    filter: Sql,
    over: Sql,
}

impl Around {
    fn is_plain(&self) -> bool {
        let parts = [&self.order, &self.within_group, &self.filter, &self.over];
        !self.is_distinct && self.nulls.is_empty() && parts.iter().all(|part| part.is_empty())
    }

    fn distinct(&self) -> Sql {
        Sql::known(if self.is_distinct { "distinct " } else { "" })
    }
}

impl Compiler<'_> {
    pub(super) fn function(&mut self, function: &Function) -> Result<Sql> {
        let [ObjectNamePart::Identifier(ident)] = function.name.0.as_slice() else {
            return Err(SnowflakeError::new(
                "002140",
                "42601",
                format!(
                    "SQL compilation error:\nUnknown user-defined function {}",
                    function.name
                ),
            ));
        };
        if function.uses_odbc_syntax || !matches!(function.parameters, FunctionArguments::None) {
            return Err(SnowflakeError::unsupported(function));
        }
        let name = ident.value.to_uppercase();
        let list = match &function.args {
            FunctionArguments::None => None,
            FunctionArguments::List(list) => Some(list),
            FunctionArguments::Subquery(_) => return Err(SnowflakeError::unsupported(function)),
        };
        let written = list.map_or(&[] as &[FunctionArg], |list| list.args.as_slice());
        let mut args = self.arguments(written)?;
        // A format is needed as a text: one that is put together from texts is a text, too.
        if let (true, [_, FunctionArg::Unnamed(FunctionArgExpr::Expr(format))]) =
            (name.contains("TO_"), written)
            && let Some(format) = constant_text(format)
        {
            args[1] = Sql::literal(&format);
        }
        let builtins = self.context.environment.builtins;
        if let Some(sql) = builtins.function(self.context, &name, &args)? {
            return Ok(sql);
        }
        if let Some(system) = builtins.system_function(&name)? {
            let given = list.map_or(&[][..], |list| list.args.as_slice());
            return self.system_function(system, given, &args);
        }
        if matches!(name.as_str(), "SEQ1" | "SEQ2" | "SEQ4" | "SEQ8") {
            return Ok(Sql::known("(row_number() over () - 1)"));
        }
        let around = self.around(function, list)?;
        if name == "LISTAGG" || name == "ARRAY_AGG" {
            return aggregate_list(&name, &args, &around);
        }
        match functions::render(&name, &args)? {
            Rendering::Sql(sql) if around.is_plain() => Ok(sql),
            Rendering::Sql(_) => Err(SnowflakeError::unsupported(format!(
                "{name} with DISTINCT, OVER, FILTER or WITHIN GROUP"
            ))),
            Rendering::Call(function) => Ok(called(function, args, &around)),
        }
    }

    fn arguments(&mut self, args: &[FunctionArg]) -> Result<Vec<Sql>> {
        super::query::check_list(args.len())?;
        let mut written = Vec::with_capacity(args.len());
        for arg in args {
            written.push(match arg {
                FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) => self.expr(expr)?,
                FunctionArg::Unnamed(FunctionArgExpr::Wildcard) => Sql::known("*"),
                other => return Err(SnowflakeError::unsupported(format!("argument {other}"))),
            });
        }
        Ok(written)
    }

    fn around(
        &mut self,
        function: &Function,
        list: Option<&FunctionArgumentList>,
    ) -> Result<Around> {
        let mut around = Around {
            is_distinct: list
                .is_some_and(|l| l.duplicate_treatment == Some(DuplicateTreatment::Distinct)),
            ..Around::default()
        };
        let mut nulls = function.null_treatment;
        for clause in list.into_iter().flat_map(|list| &list.clauses) {
            match clause {
                FunctionArgumentClause::OrderBy(items) => {
                    around.order = Sql::of(" order by {0}", &[self.order_items(items)?]);
                }
                FunctionArgumentClause::IgnoreOrRespectNulls(treatment) => {
                    nulls = Some(*treatment);
                }
                other => {
                    return Err(SnowflakeError::unsupported(format!(
                        "{} with {other}",
                        function.name
                    )));
                }
            }
        }
        around.nulls = match nulls {
            None => "",
            Some(NullTreatment::IgnoreNulls) => " ignore nulls",
            Some(NullTreatment::RespectNulls) => " respect nulls",
        };
        if !function.within_group.is_empty() {
            around.within_group = self.order_items(&function.within_group)?;
        }
        if let Some(filter) = &function.filter {
            around.filter = Sql::of(" filter (where {0})", &[self.expr(filter)?]);
        }
        around.over = match &function.over {
            None => Sql::default(),
            Some(WindowType::NamedWindow(name)) => {
                Sql::of(" over {0}", &[Sql::name(&folded(name))])
            }
            Some(WindowType::WindowSpec(spec)) => Sql::of(" over ({0})", &[self.window(spec)?]),
        };
        Ok(around)
    }

    pub(super) fn window(&mut self, spec: &WindowSpec) -> Result<Sql> {
        let mut parts = Vec::new();
        if let Some(name) = &spec.window_name {
            parts.push(Sql::name(&folded(name)));
        }
        if !spec.partition_by.is_empty() {
            let by = self.list(&spec.partition_by)?;
            parts.push(Sql::of("partition by {0}", &[by]));
        }
        if !spec.order_by.is_empty() {
            let by = self.order_items(&spec.order_by)?;
            parts.push(Sql::of("order by {0}", &[by]));
        }
        if let Some(frame) = &spec.window_frame {
            parts.push(self.frame(frame)?);
        }
        Ok(Sql::join(parts, " "))
    }

    fn frame(&mut self, frame: &WindowFrame) -> Result<Sql> {
        let units = match frame.units {
            WindowFrameUnits::Rows => "rows",
            WindowFrameUnits::Range => "range",
            WindowFrameUnits::Groups => "groups",
        };
        let start = self.bound(&frame.start_bound)?;
        match &frame.end_bound {
            None => Ok(Sql::of("{0} {1}", &[Sql::known(units), start])),
            Some(end) => {
                let end = self.bound(end)?;
                let template = "{0} between {1} and {2}";
                Ok(Sql::of(template, &[Sql::known(units), start, end]))
            }
        }
    }

    fn bound(&mut self, bound: &WindowFrameBound) -> Result<Sql> {
        let mut of = |distance: &Option<Box<Expr>>, bounded, unbounded| match distance {
            Some(distance) => Ok(Sql::of(bounded, &[self.expr(distance)?])),
            None => Ok(Sql::known(unbounded)),
        };
        match bound {
            WindowFrameBound::CurrentRow => Ok(Sql::known("current row")),
            WindowFrameBound::Preceding(n) => of(n, "{0} preceding", "unbounded preceding"),
            WindowFrameBound::Following(n) => of(n, "{0} following", "unbounded following"),
        }
    }
}

/// The text that `'a' || 'b'` is.
fn constant_text(expr: &Expr) -> Option<String> {
    match expr {
        Expr::Value(value) => match &value.value {
            Value::SingleQuotedString(text) => Some(text.clone()),
            _ => None,
        },
        Expr::BinaryOp {
            left,
            op: BinaryOperator::StringConcat,
            right,
        } => Some(constant_text(left)? + &constant_text(right)?),
        _ => None,
    }
}

/// A function of DuckDB's with all that may stand around its arguments.
fn called(function: &'static str, args: Vec<Sql>, around: &Around) -> Sql {
    let each = |template: &'static str| -> Vec<Sql> {
        let one = |arg: &Sql| Sql::of(template, std::slice::from_ref(arg));
        args.iter().map(one).collect()
    };
    if function == "avg" {
        let count = called("count", args.clone(), around);
        return functions::average(called("sum", args, around), &count);
    }
    let args = match function {
        "sum" | "median" => each("sf_summand({0})"),
        "concat_ws" => each("sf_member({0})"),
        _ => args,
    };
    if around.is_plain() {
        return Sql::call(function, &args);
    }
    let inside = Sql::join(
        [
            around.distinct(),
            Sql::list(args),
            around.order.clone(),
            Sql::known(around.nulls),
        ],
        "",
    );
    let within = match around.within_group.is_empty() {
        true => Sql::default(),
        false => {
            let order = std::slice::from_ref(&around.within_group);
            Sql::of(" within group (order by {0})", order)
        }
    };
    let call = Sql::call(function, &[inside]);
    Sql::join(
        [call, within, around.filter.clone(), around.over.clone()],
        "",
    )
}

fn aggregate_list(name: &str, args: &[Sql], around: &Around) -> Result<Sql> {
    if !around.filter.is_empty() || !around.nulls.is_empty() {
        return Err(SnowflakeError::unsupported(format!(
            "{name} with FILTER or IGNORE NULLS"
        )));
    }
    let order = match around.within_group.is_empty() {
        true => around.order.clone(),
        false => Sql::of(" order by {0}", std::slice::from_ref(&around.within_group)),
    };
    let value = args.first().cloned().unwrap_or_default();
    let (distinct, over) = (around.distinct(), around.over.clone());
    if name == "LISTAGG" {
        let separator = args.get(1).cloned().unwrap_or_else(|| Sql::literal(""));
        return Ok(Sql::of(
            "coalesce(string_agg({0}sf_text({1}), {2}{3}){4}, '')",
            &[distinct, value, separator, order, over],
        ));
    }
    Ok(Sql::of(
        "to_json(coalesce(list({0}sf_member({1}){2}) filter (where {1} is not null){3}, []))",
        &[distinct, value.grouped(), order, over],
    ))
}
