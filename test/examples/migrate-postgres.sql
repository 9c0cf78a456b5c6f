-- A second user that logs in only by IAM. In its sessions it acts as the user that owns everything.
CREATE ROLE app_iam LOGIN;
GRANT rds_iam TO app_iam;
GRANT app TO app_iam;
ALTER ROLE app_iam SET role TO 'app';
