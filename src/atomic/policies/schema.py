"""What policies may speak of: principals, actions, resources and their attributes, as a Cedar schema.

A policy that names anything else is refused when it is read, not found to do nothing on the day that it should have.
"""

SCHEMA = """
entity Role;
entity Tenant;
entity Person in [Role, Tenant] { name: String, tenant: String };
entity Key in [Role, Tenant] { name: String, tenant: String };
entity Program in [Role, Tenant] { name: String, tenant: String };
entity Task { name: String, label: String };
entity Bidder { name: String, kind: String, family: String, accepts: String, jurisdictions: Set<String> };
entity Area { name: String };

type Request = { label: String, level: Long, task: String, tenant: String };

action run appliesTo { principal: [Person, Key, Program], resource: [Task], context: Request };
action buy appliesTo { principal: [Person, Key, Program], resource: [Bidder], context: Request };
action see, review, change, administer appliesTo { principal: [Person, Key, Program], resource: [Area] };
"""
