package io.firn.nifi.processors;

import org.apache.nifi.components.DescribedValue;
import org.apache.nifi.components.PropertyDescriptor;
import org.apache.nifi.context.PropertyContext;
import org.apache.nifi.expression.ExpressionLanguageScope;
import org.apache.nifi.processor.util.StandardValidators;

import java.net.URI;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** The properties of the connection, the tables and the stage, and the core's settings made from them. */
final class LoaderProperties {

    /** How the user authenticates. */
    enum Authentication implements DescribedValue {
        KEY_PAIR("Key Pair", "An RSA private key; its public key is assigned to the user in Snowflake"),
        ACCESS_TOKEN("Programmatic Access Token", "A programmatic access token of the user"),
        OAUTH("OAuth Token", "An OAuth access token");

        private final String displayName;
        private final String description;

        Authentication(final String displayName, final String description) {
            this.displayName = displayName;
            this.description = description;
        }

        @Override
        public String getValue() {
            return name();
        }

        @Override
        public String getDisplayName() {
            return displayName;
        }

        @Override
        public String getDescription() {
            return description;
        }
    }

    static final PropertyDescriptor ACCOUNT_URL = text("Account URL",
            "URL of the Snowflake account, such as https://myorg-myaccount.snowflakecomputing.com").required(true)
            .addValidator(StandardValidators.URL_VALIDATOR).build();
    static final PropertyDescriptor ACCOUNT = text("Account Identifier",
            "Account identifier for key pair authentication. Defaults to the first part of the host in Account URL.").build();
    static final PropertyDescriptor AUTHENTICATION = new PropertyDescriptor.Builder()
            .name("Authentication Strategy")
            .description("How the user authenticates to Snowflake.")
            .required(true)
            .allowableValues(Authentication.class)
            .defaultValue(Authentication.KEY_PAIR)
            .build();
    static final PropertyDescriptor USER = text("User", "Snowflake user to whom the public key is assigned.").required(true)
            .dependsOn(AUTHENTICATION, Authentication.KEY_PAIR).build();
    static final PropertyDescriptor PRIVATE_KEY = secret("Private Key", "Private key in PKCS#8 PEM format, encrypted or not.")
            .required(true).dependsOn(AUTHENTICATION, Authentication.KEY_PAIR).build();
    static final PropertyDescriptor PRIVATE_KEY_PASSPHRASE = secret("Private Key Passphrase", "Passphrase of the private key, if it is encrypted.")
            .dependsOn(AUTHENTICATION, Authentication.KEY_PAIR).build();
    static final PropertyDescriptor TOKEN = secret("Token", "Access token.")
            .required(true).dependsOn(AUTHENTICATION, Authentication.ACCESS_TOKEN, Authentication.OAUTH).build();
    static final PropertyDescriptor ROLE = text("Role",
            "Snowflake role. Defaults to the user's default role. FIRN_LOADER has all privileges that loading needs.").build();
    static final PropertyDescriptor WAREHOUSE = text("Warehouse", "Warehouse that runs the merge.").required(true).defaultValue("FIRN_WH").build();
    static final PropertyDescriptor DATABASE = text("Database", "Database of the tables.").required(true).defaultValue("FIRN").build();
    static final PropertyDescriptor SCHEMA = text("Schema", "Schema of the tables.").required(true).defaultValue("PUBLIC").build();
    static final PropertyDescriptor CONTRACT = new PropertyDescriptor.Builder()
            .name("Contract")
            .description("Contract in TOML that describes the files and their table: table name, columns with types, key, ordering columns, and how "
                    + "the files are written. \"firn contract infer\" proposes one for a file. Defaults to the customer contract.")
            .addValidator(StandardValidators.NON_EMPTY_VALIDATOR)
            .build();
    static final PropertyDescriptor BUCKET = text("Stage Bucket", "S3 bucket of the external stage.").required(true).build();
    static final PropertyDescriptor PREFIX = text("Stage Prefix",
            "Prefix in the bucket that the stage points to. The name of the contract's table is appended.").build();
    static final PropertyDescriptor REGION = text("Region", "Region of the bucket. Defaults to the region in the environment.").build();
    static final PropertyDescriptor ENDPOINT = text("Endpoint Override URL", "Endpoint of an S3-compatible service other than AWS.")
            .addValidator(StandardValidators.URL_VALIDATOR).build();
    static final PropertyDescriptor ACCESS_KEY_ID = secret("Access Key ID",
            "AWS access key. Defaults to the credentials provider chain: environment, profile, instance or container role.").build();
    static final PropertyDescriptor SECRET_ACCESS_KEY = secret("Secret Access Key", "Secret of the access key.").build();
    static final PropertyDescriptor COMPRESSION = new PropertyDescriptor.Builder()
            .name("Compression Format")
            .description("Compression of the staged files. It does not have to match the compression of the FlowFiles.")
            .required(true)
            .allowableValues("gzip", "zstd", "none")
            .defaultValue("gzip")
            .build();

    static final List<PropertyDescriptor> ALL = List.of(ACCOUNT_URL, ACCOUNT, AUTHENTICATION, USER, PRIVATE_KEY, PRIVATE_KEY_PASSPHRASE, TOKEN, ROLE,
            WAREHOUSE, DATABASE, SCHEMA, CONTRACT, BUCKET, PREFIX, REGION, ENDPOINT, ACCESS_KEY_ID, SECRET_ACCESS_KEY, COMPRESSION);

    private LoaderProperties() {
    }

    private static PropertyDescriptor.Builder text(final String name, final String description) {
        return new PropertyDescriptor.Builder().name(name).description(description)
                .addValidator(StandardValidators.NON_BLANK_VALIDATOR)
                .expressionLanguageSupported(ExpressionLanguageScope.ENVIRONMENT);
    }

    private static PropertyDescriptor.Builder secret(final String name, final String description) {
        return new PropertyDescriptor.Builder().name(name).description(description)
                .addValidator(StandardValidators.NON_BLANK_VALIDATOR)
                .sensitive(true);
    }

    /** The core's settings. They contain secrets: they are only passed to the core. */
    static Map<String, Object> settingsOf(final PropertyContext context) {
        final String url = valueOf(context, ACCOUNT_URL);
        final String account = valueOf(context, ACCOUNT);
        final Map<String, Object> settings = new LinkedHashMap<>();
        settings.put("url", url);
        settings.put("account", account == null ? URI.create(url).getHost().split("\\.")[0] : account);
        switch (context.getProperty(AUTHENTICATION).asAllowableValue(Authentication.class)) {
            case KEY_PAIR -> {
                settings.put("user", valueOf(context, USER));
                settings.put("private_key", context.getProperty(PRIVATE_KEY).getValue());
                settings.put("private_key_passphrase", context.getProperty(PRIVATE_KEY_PASSPHRASE).getValue());
            }
            case ACCESS_TOKEN -> settings.put("access_token", context.getProperty(TOKEN).getValue());
            case OAUTH -> settings.put("oauth_token", context.getProperty(TOKEN).getValue());
            default -> throw new IllegalStateException("unknown authentication strategy");
        }
        settings.put("role", valueOf(context, ROLE));
        settings.put("warehouse", valueOf(context, WAREHOUSE));
        settings.put("database", valueOf(context, DATABASE));
        settings.put("schema", valueOf(context, SCHEMA));
        settings.put("contract", context.getProperty(CONTRACT).getValue());
        settings.put("stage_url", "s3://" + stageOf(context));
        settings.put("region", valueOf(context, REGION));
        settings.put("endpoint", valueOf(context, ENDPOINT));
        settings.put("access_key_id", context.getProperty(ACCESS_KEY_ID).getValue());
        settings.put("secret_access_key", context.getProperty(SECRET_ACCESS_KEY).getValue());
        settings.put("compression", context.getProperty(COMPRESSION).getValue());
        return settings;
    }

    /** Bucket and prefix, with a slash at the end. */
    private static String stageOf(final PropertyContext context) {
        final String prefix = valueOf(context, PREFIX);
        final String normalized = prefix == null ? "" : prefix.replaceAll("^/+|/+$", "") + "/";
        return valueOf(context, BUCKET) + "/" + normalized;
    }

    static String valueOf(final PropertyContext context, final PropertyDescriptor property) {
        return context.getProperty(property).evaluateAttributeExpressions().getValue();
    }
}
