-- A second user, which may log in by IAM alone, and who is in its sessions the user that owns everything.
CREATE ROLE app_iam LOGIN;
GRANT rds_iam TO app_iam;
GRANT app TO app_iam;
ALTER ROLE app_iam SET role TO 'app';
