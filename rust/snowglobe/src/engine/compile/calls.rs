//! SYSTEM$ functions: a query says which it will run, and they run when it does.

use std::ops::ControlFlow;

use sqlparser::ast::{Expr, FunctionArg, FunctionArgExpr, Visit, Visitor};

use super::{Compiler, Context, Environment, Memory, Names, Snapshot};
use crate::engine::storage::calls::{self, Registered};
use crate::sql::fragment::Sql;
use crate::types::error::{Result, SnowflakeError};

/// What a SYSTEM$ function returns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Returns {
    Text,
    Boolean,
    Integer,
}

/// A SYSTEM$ function.
#[derive(Debug)]
pub struct SystemFunction {
    pub name: &'static str,
    /// How many arguments it needs, and how many it takes.
    pub arguments: (usize, usize),
    pub returns: Returns,
    /// Whether it changes the catalog, which a statement that writes cannot wait for.
    pub changes_catalog: bool,
}

/// A call of a SYSTEM$ function that a compiled query may reach.
#[derive(Debug)]
pub struct Call {
    pub function: &'static SystemFunction,
    registered: Registered,
}

impl Call {
    fn new(function: &'static SystemFunction, context: &Context<'_>) -> Self {
        let scope: (Names, Snapshot, Environment) = (
            context.names.clone(),
            context.snapshot.clone(),
            context.environment.clone(),
        );
        let task = context.memory.task.clone();
        let registered = calls::register(move |arguments| {
            let (names, snapshot, environment) = scope.clone();
            // The session's own connection runs the query.
            let connection = environment.shared.connect()?;
            let builtins = environment.builtins;
            let context = Context {
                names,
                snapshot,
                memory: Memory {
                    task: task.clone(),
                    ..Memory::default()
                },
                environment,
                connection: &connection,
            };
            builtins.call(&context, function.name, arguments)
        });
        Self {
            function,
            registered,
        }
    }

    fn sql(&self, args: &[Sql]) -> Sql {
        let mut all = vec![Sql::literal(&self.registered.token())];
        all.extend(
            args.iter()
                .map(|arg| Sql::of("({0})::varchar", std::slice::from_ref(arg))),
        );
        let call = [Sql::call(calls::FUNCTION, &all)];
        match self.function.returns {
            Returns::Text => Sql::of("{0}", &call),
            Returns::Boolean => Sql::of("cast({0} as boolean)", &call),
            Returns::Integer => Sql::of("cast({0} as bigint)", &call),
        }
    }
}

impl Compiler<'_> {
    /// The call of a SYSTEM$ function. Only what it will do is noted here.
    pub(super) fn system_function(
        &mut self,
        function: &'static SystemFunction,
        given: &[FunctionArg],
        args: &[Sql],
    ) -> Result<Sql> {
        let (least, most) = function.arguments;
        if args.len() < least {
            return Err(SnowflakeError::new(
                "000938",
                "22023",
                "SQL compilation error:\nnot enough arguments for function",
            ));
        }
        if args.len() > most {
            return Err(SnowflakeError::new(
                "000939",
                "22023",
                "SQL compilation error:\ntoo many arguments for function",
            ));
        }
        if !given.iter().all(is_constant) {
            return Err(not_constant());
        }
        if function.changes_catalog && self.context.environment.writes {
            return Err(SnowflakeError::unsupported(format!(
                "{} in a statement that writes",
                function.name
            )));
        }
        let call = Call::new(function, self.context);
        let sql = call.sql(args);
        self.calls.push(call);
        Ok(sql)
    }
}

/// What must be known before a query runs cannot be the answer of a function that runs with it.
pub(super) fn not_constant() -> SnowflakeError {
    SnowflakeError::compilation("a constant is needed as argument")
}

fn is_constant(arg: &FunctionArg) -> bool {
    let FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) = arg else {
        return false;
    };
    expr.visit(&mut Columns).is_continue()
}

/// Stops at what depends on rows.
struct Columns;

impl Visitor for Columns {
    type Break = ();

    fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<()> {
        match expr {
            Expr::Identifier(_)
            | Expr::CompoundIdentifier(_)
            | Expr::Subquery(_)
            | Expr::Exists { .. }
            | Expr::InSubquery { .. } => ControlFlow::Break(()),
            _ => ControlFlow::Continue(()),
        }
    }
}
