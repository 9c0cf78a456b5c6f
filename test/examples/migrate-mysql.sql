-- A second user, because an account has only one way to log in. Grant it what SHOW GRANTS FOR 'app'@'%' lists,
-- except the line with USAGE. REQUIRE SSL refuses connections without TLS, which rds-iam never opens.
CREATE USER 'app_iam'@'%' IDENTIFIED WITH AWSAuthenticationPlugin AS 'RDS' REQUIRE SSL;
GRANT SELECT, INSERT, UPDATE, DELETE, CREATE, ALTER, INDEX, DROP, REFERENCES ON app.* TO 'app_iam'@'%';
