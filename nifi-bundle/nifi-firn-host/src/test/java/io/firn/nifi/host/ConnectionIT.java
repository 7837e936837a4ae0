package io.firn.nifi.host;

import org.apache.nifi.components.ConfigVerificationResult;
import org.apache.nifi.processor.VerifiableProcessor;
import org.apache.nifi.util.TestRunner;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import javax.crypto.Cipher;
import javax.crypto.EncryptedPrivateKeyInfo;
import javax.crypto.SecretKey;
import javax.crypto.SecretKeyFactory;
import javax.crypto.spec.PBEKeySpec;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.AlgorithmParameters;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.PrivateKey;
import java.util.Base64;
import java.util.Locale;
import java.util.Map;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

/** PutSnowflakeMerge's connections: every authentication strategy, the source of S3's keys, and the properties of the tables. */
class ConnectionIT {

    private static final String FILE = PutSnowflakeMergeIT.HEADER + PutSnowflakeMergeIT.event("I", 1, "London", 1);
    private static final String PASSPHRASE = "passphrase-that-never-shows";

    private Snowglobe snowglobe;
    private TestRunner runner;

    @BeforeEach
    void start() throws Exception {
        snowglobe = Snowglobe.start();
        runner = PutSnowflakeMergeIT.runnerFor(snowglobe);
    }

    @AfterEach
    void stop() {
        snowglobe.close();
    }

    /** Loads one file, which is routed to that relationship; returns its {@code firn.error}. */
    private String load(final String content, final String relationship) {
        runner.clearTransferState();
        runner.enqueue(content, Map.of("filename", "f.csv"));
        runner.run();
        runner.assertAllFlowFilesTransferred(relationship, 1);
        return runner.getFlowFilesForRelationship(relationship).getFirst().getAttribute("firn.error");
    }

    private KeyPair keyOfUser() throws Exception {
        final KeyPairGenerator generator = KeyPairGenerator.getInstance("RSA");
        generator.initialize(2048);
        final KeyPair pair = generator.generateKeyPair();
        final String shown = Base64.getEncoder().encodeToString(pair.getPublic().getEncoded());
        snowglobe.sql("alter user SNOWGLOBE set rsa_public_key = '" + shown + "'", "ACCOUNTADMIN");
        runner.removeProperty("Token");
        runner.setProperty("Authentication Strategy", "KEY_PAIR");
        runner.setProperty("User", "SNOWGLOBE");
        return pair;
    }

    private static String pem(final String what, final byte[] bytes) {
        final String body = Base64.getMimeEncoder(64, "\n".getBytes(StandardCharsets.US_ASCII)).encodeToString(bytes);
        return "-----BEGIN %1$s-----\n%2$s\n-----END %1$s-----\n".formatted(what, body);
    }

    private static String encrypted(final PrivateKey key) throws Exception {
        final String algorithm = "PBEWithHmacSHA256AndAES_256";
        final SecretKey secret = SecretKeyFactory.getInstance(algorithm).generateSecret(new PBEKeySpec(PASSPHRASE.toCharArray()));
        final Cipher cipher = Cipher.getInstance(algorithm);
        cipher.init(Cipher.ENCRYPT_MODE, secret);
        final byte[] sealed = cipher.doFinal(key.getEncoded());
        // Java has the parameters under the cipher's name, and the key's encoding only under the scheme's name.
        final AlgorithmParameters parameters = AlgorithmParameters.getInstance("PBES2");
        parameters.init(cipher.getParameters().getEncoded());
        return pem("ENCRYPTED PRIVATE KEY", new EncryptedPrivateKeyInfo(parameters, sealed).getEncoded());
    }

    @Test
    void aKeyPairLogsIn() throws Exception {
        runner.setProperty("Private Key", pem("PRIVATE KEY", keyOfUser().getPrivate().getEncoded()));
        load(FILE, "success");
        assertEquals(1, snowglobe.number("select count(*) from CUSTOMER"));
    }

    @Test
    void anEncryptedKeyNeedsItsPassphrase() throws Exception {
        final String key = encrypted(keyOfUser().getPrivate());
        runner.setProperty("Private Key", key);
        runner.setProperty("Private Key Passphrase", PASSPHRASE);
        load(FILE, "success");
        for (final String wrong : new String[] {"another", null}) {
            if (wrong == null) {
                runner.removeProperty("Private Key Passphrase");
            } else {
                runner.setProperty("Private Key Passphrase", wrong);
            }
            final ConfigVerificationResult step = ((VerifiableProcessor) runner.getProcessor())
                    .verify(runner.getProcessContext(), runner.getLogger(), Map.of()).getLast();
            assertEquals("Read settings", step.getVerificationStepName());
            assertTrue(step.getExplanation().toLowerCase(Locale.ROOT).contains("passphrase"), step.getExplanation());
            assertFalse(step.getExplanation().contains(PASSPHRASE), step.getExplanation());
        }
    }

    @Test
    void aKeyThatTheUserDoesNotHaveIsAFailureWithItsFix() throws Exception {
        keyOfUser();
        final KeyPairGenerator generator = KeyPairGenerator.getInstance("RSA");
        generator.initialize(2048);
        runner.setProperty("Private Key", pem("PRIVATE KEY", generator.generateKeyPair().getPrivate().getEncoded()));
        final String error = load(FILE, "failure");
        assertTrue(error.contains("RSA_PUBLIC_KEY"), error);
    }

    @Test
    void anOauthTokenIsSentAsAnOauthToken() {
        runner.setProperty("Authentication Strategy", "OAUTH");
        runner.setProperty("Token", "oauth-that-never-shows");
        // Snowglobe does not support OAuth: its error shows that the token reached it.
        final String error = load(FILE, "failure");
        assertTrue(error.contains("OAuth"), error);
        assertFalse(error.contains("oauth-that-never-shows"), error);
    }

    @Test
    void keysForS3ComeFromTheEnvironmentByDefault() throws Exception {
        // The build gives this JVM AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.
        runner.removeProperty("Access Key ID");
        runner.removeProperty("Secret Access Key");
        load(FILE, "success");
        assertEquals(1, snowglobe.number("select count(*) from CUSTOMER"));
    }

    @Test
    void theAccountIsTheFirstPartOfItsAddress() throws Exception {
        runner.removeProperty("Account Identifier");
        runner.setProperty("Private Key", pem("PRIVATE KEY", keyOfUser().getPrivate().getEncoded()));
        // Without the identifier, a login with a key pair uses the host's first part, 127, which is no account.
        final String error = load(FILE, "failure");
        assertTrue(error.contains("account"), error);
        assertEquals(0, snowglobe.number("select count(*) from CUSTOMER"));
    }

    @Test
    void tableAndStageMayComeFromTheEnvironment() throws Exception {
        final Map<String, String> values = Map.of("Account URL", snowglobe.url(), "Account Identifier", "FIRN", "Role", "FIRN_LOADER",
                "Warehouse", "FIRN_WH", "Database", "FIRN", "Schema", "PUBLIC", "Stage Bucket", "firn-landing", "Region", "us-east-1",
                "Endpoint Override URL", snowglobe.s3());
        values.forEach((property, value) -> {
            final String variable = property.replace(' ', '_');
            runner.setEnvironmentVariableValue(variable, value);
            runner.setProperty(property, "${" + variable + "}");
        });
        load(FILE, "success");
        assertEquals(1, snowglobe.number("select count(*) from CUSTOMER"));
    }

    @Test
    void aMissingWarehouseIsNamed() {
        runner.setProperty("Warehouse", "NOWHERE_WH");
        final String error = load(FILE, "failure");
        assertTrue(error.toLowerCase(Locale.ROOT).contains("warehouse"), error);
    }

    @Test
    void anotherContractHasAnotherTable(@TempDir final Path folder) throws Exception {
        final String contract = """
                table = "PARCEL"
                op = "op"
                key = ["parcel"]
                order = ["changed_at"]
                columns = [
                    { name = "parcel", type = "VARCHAR(36)" },
                    { name = "town", type = "VARCHAR(100)", required = true },
                    { name = "changed_at", type = "TIMESTAMP_NTZ(6)" },
                ]
                """;
        final Path file = Files.writeString(folder.resolve("parcel.toml"), contract);
        snowglobe.firn("bootstrap", "--contract", file.toString(), "--stage-url", "s3://firn-landing/deep/er/");
        runner.setProperty("Contract", contract);
        runner.setProperty("Stage Prefix", "/deep/er/");
        load("op,parcel,town,changed_at\nI,p-1,Turin,2026-03-01T12:00:00Z\n", "success");
        assertEquals("Turin", snowglobe.sql("select town from PARCEL").at("/data/0/0").asText());
        final String key = runner.getFlowFilesForRelationship("success").getFirst().getAttribute("firn.source.files");
        assertTrue(key.startsWith("deep/er/parcel/"), key);
    }
}
