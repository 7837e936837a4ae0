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

/** The properties that say where rows go and as whom, and their translation to the core's settings. */
final class LoaderProperties {

    /** What proves the user. */
    enum Authentication implements DescribedValue {
        KEY_PAIR("Key Pair", "An RSA private key whose public half the user has in Snowflake"),
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
            "Snowflake's address, such as https://myorg-myaccount.snowflakecomputing.com").required(true)
            .addValidator(StandardValidators.URL_VALIDATOR).build();
    static final PropertyDescriptor ACCOUNT = text("Account Identifier",
            "The account's name, which logins with a key pair are made out to. The first part of Account URL's host when empty.").build();
    static final PropertyDescriptor AUTHENTICATION = new PropertyDescriptor.Builder()
            .name("Authentication Strategy")
            .description("What proves the user.")
            .required(true)
            .allowableValues(Authentication.class)
            .defaultValue(Authentication.KEY_PAIR)
            .build();
    static final PropertyDescriptor USER = text("User", "The user whose public key Snowflake knows.").required(true)
            .dependsOn(AUTHENTICATION, Authentication.KEY_PAIR).build();
    static final PropertyDescriptor PRIVATE_KEY = secret("Private Key", "The private key as PKCS#8 PEM, plain or encrypted.")
            .required(true).dependsOn(AUTHENTICATION, Authentication.KEY_PAIR).build();
    static final PropertyDescriptor PRIVATE_KEY_PASSPHRASE = secret("Private Key Passphrase", "What opens the private key, if it is encrypted.")
            .dependsOn(AUTHENTICATION, Authentication.KEY_PAIR).build();
    static final PropertyDescriptor TOKEN = secret("Token", "The access token.")
            .required(true).dependsOn(AUTHENTICATION, Authentication.ACCESS_TOKEN, Authentication.OAUTH).build();
    static final PropertyDescriptor ROLE = text("Role", "The role to take on; the user's default role when empty. FIRN_LOADER suffices.").build();
    static final PropertyDescriptor WAREHOUSE = text("Warehouse", "Where the merge runs.").required(true).defaultValue("FIRN_WH").build();
    static final PropertyDescriptor DATABASE = text("Database", "The tables' database.").required(true).defaultValue("FIRN").build();
    static final PropertyDescriptor SCHEMA = text("Schema", "The tables' schema.").required(true).defaultValue("PUBLIC").build();
    static final PropertyDescriptor CONTRACT = new PropertyDescriptor.Builder()
            .name("Contract")
            .description("What the CSV holds: a contract as TOML (table, columns and types, key, op and order columns). "
                    + "The built-in customer contract when empty.")
            .addValidator(StandardValidators.NON_EMPTY_VALIDATOR)
            .build();
    static final PropertyDescriptor BUCKET = text("Stage Bucket", "The S3 bucket behind the stage.").required(true).build();
    static final PropertyDescriptor PREFIX = text("Stage Prefix",
            "The folder in the bucket that the stage points to. A folder named after the contract's table is added.").build();
    static final PropertyDescriptor REGION = text("Region", "The bucket's region; where the environment says when empty.").build();
    static final PropertyDescriptor ENDPOINT = text("Endpoint Override URL", "The address of another service that speaks S3.")
            .addValidator(StandardValidators.URL_VALIDATOR).build();
    static final PropertyDescriptor ACCESS_KEY_ID = secret("Access Key ID",
            "An AWS access key. When empty, the default chain finds one: environment, profile, instance or container role.").build();
    static final PropertyDescriptor SECRET_ACCESS_KEY = secret("Secret Access Key", "The access key's secret.").build();
    static final PropertyDescriptor COMPRESSION = new PropertyDescriptor.Builder()
            .name("Compression Format")
            .description("How files lie in the bucket. Incoming FlowFiles may be plain, gzip or zstd, whatever this says.")
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

    /** The core's settings. They hold secrets: they go to the core and nowhere else. */
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
            default -> throw new IllegalStateException("every strategy is above");
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

    /** Bucket and folder, with a slash at its end. */
    private static String stageOf(final PropertyContext context) {
        final String prefix = valueOf(context, PREFIX);
        final String folder = prefix == null ? "" : prefix.replaceAll("^/+|/+$", "") + "/";
        return valueOf(context, BUCKET) + "/" + folder;
    }

    private static String valueOf(final PropertyContext context, final PropertyDescriptor property) {
        return context.getProperty(property).evaluateAttributeExpressions().getValue();
    }
}
