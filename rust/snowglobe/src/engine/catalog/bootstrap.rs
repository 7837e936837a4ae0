//! What a new account has: Snowflake's system roles, an administrator and a warehouse.

use crate::engine::catalog::{
    Body, Catalog, Grant, GrantTarget, Kind, Member, Object, User, Warehouse,
};

/// Fills an empty catalog.
pub fn fill(catalog: &mut Catalog, now: i64) {
    for role in [
        "ACCOUNTADMIN",
        "SECURITYADMIN",
        "USERADMIN",
        "SYSADMIN",
        "PUBLIC",
    ] {
        add(catalog, Kind::Role, role, "", now, Body::Role);
    }
    for (role, to) in [
        ("SECURITYADMIN", "ACCOUNTADMIN"),
        ("SYSADMIN", "ACCOUNTADMIN"),
        ("USERADMIN", "SECURITYADMIN"),
    ] {
        catalog.grant_role(role, Member::Role(to.to_owned()));
    }
    let user = User {
        default_role: Some("ACCOUNTADMIN".to_owned()),
        default_warehouse: Some("COMPUTE_WH".to_owned()),
        ..User::default()
    };
    add(
        catalog,
        Kind::User,
        "SNOWGLOBE",
        "USERADMIN",
        now,
        Body::User(user),
    );
    for role in ["ACCOUNTADMIN", "SYSADMIN", "SECURITYADMIN", "USERADMIN"] {
        catalog.grant_role(role, Member::User("SNOWGLOBE".to_owned()));
    }
    let warehouse = Warehouse {
        size: "X-Small".to_owned(),
        auto_suspend_seconds: 600,
        auto_resume: true,
        suspended: true,
    };
    let id = add(
        catalog,
        Kind::Warehouse,
        "COMPUTE_WH",
        "ACCOUNTADMIN",
        now,
        Body::Warehouse(warehouse),
    );
    account_grants(catalog, id);
}

fn account_grants(catalog: &mut Catalog, warehouse: u64) {
    let grants = [
        ("CREATE DATABASE", "SYSADMIN"),
        ("CREATE WAREHOUSE", "SYSADMIN"),
        ("CREATE ROLE", "USERADMIN"),
        ("CREATE USER", "USERADMIN"),
        ("MANAGE GRANTS", "SECURITYADMIN"),
        ("CREATE INTEGRATION", "ACCOUNTADMIN"),
        ("EXECUTE TASK", "ACCOUNTADMIN"),
        ("EXECUTE MANAGED TASK", "ACCOUNTADMIN"),
        ("MONITOR USAGE", "ACCOUNTADMIN"),
    ];
    for (privilege, role) in grants {
        grant(catalog, privilege, GrantTarget::Account, role);
    }
    grant(catalog, "USAGE", GrantTarget::Object(warehouse), "PUBLIC");
    grant(
        catalog,
        "OPERATE",
        GrantTarget::Object(warehouse),
        "SYSADMIN",
    );
}

fn grant(catalog: &mut Catalog, privilege: &str, on: GrantTarget, role: &str) {
    catalog.grant(Grant {
        privilege: privilege.to_owned(),
        on,
        role: role.to_owned(),
        with_grant_option: false,
    });
}

fn add(catalog: &mut Catalog, kind: Kind, name: &str, owner: &str, now: i64, body: Body) -> u64 {
    let id = catalog.new_id();
    catalog.put(Object {
        id,
        kind,
        path: vec![name.to_owned()],
        owner: owner.to_owned(),
        created_micros: now,
        dropped: None,
        comment: None,
        body,
    });
    id
}
