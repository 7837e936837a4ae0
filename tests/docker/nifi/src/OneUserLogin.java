package firn.docker;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.concurrent.TimeUnit;

import org.apache.nifi.authentication.AuthenticationResponse;
import org.apache.nifi.authentication.LoginCredentials;
import org.apache.nifi.authentication.LoginIdentityProvider;
import org.apache.nifi.authentication.LoginIdentityProviderConfigurationContext;
import org.apache.nifi.authentication.LoginIdentityProviderInitializationContext;
import org.apache.nifi.authentication.exception.InvalidLoginCredentialsException;
import org.apache.nifi.authentication.exception.ProviderCreationException;

/** A single user with a password, as in the official image, because NiFi's own class for it is not on Maven Central. */
public final class OneUserLogin implements LoginIdentityProvider {

    private volatile String user;
    private volatile byte[] passwordDigest;

    @Override
    public void initialize(final LoginIdentityProviderInitializationContext context) {
    }

    @Override
    public void onConfigured(final LoginIdentityProviderConfigurationContext context) {
        user = context.getProperty("Username");
        passwordDigest = HexFormat.of().parseHex(context.getProperty("Password SHA-256"));
    }

    @Override
    public AuthenticationResponse authenticate(final LoginCredentials credentials) {
        final byte[] actual = digest(credentials.getPassword());
        if (!credentials.getUsername().equals(user) || !MessageDigest.isEqual(actual, passwordDigest)) {
            throw new InvalidLoginCredentialsException("wrong user or password");
        }
        return new AuthenticationResponse(user, user, TimeUnit.HOURS.toMillis(12), getClass().getSimpleName());
    }

    @Override
    public void preDestruction() {
    }

    private static byte[] digest(final String text) {
        try {
            return MessageDigest.getInstance("SHA-256").digest(text.getBytes(StandardCharsets.UTF_8));
        } catch (final NoSuchAlgorithmException e) {
            throw new ProviderCreationException("this JDK does not support SHA-256", e);
        }
    }
}
