-- 00_roles.sql, rendered by `firn sql` from the contract. Change the contract, not this file.
-- Creates two roles: the owner of all objects, and the loader, which may call the procedures that load and merge, and can neither read nor alter data.
-- Needs USERADMIN. Safe to rerun.

use role USERADMIN;
create role if not exists FIRN_OWNER comment = 'owns the objects of Firn';

create role if not exists FIRN_LOADER comment = 'loads files and calls merges';

grant role FIRN_OWNER to role SYSADMIN;

grant role FIRN_LOADER to role FIRN_OWNER;
