package firn.docker;

import org.apache.nifi.authorization.AuthorizationRequest;
import org.apache.nifi.authorization.AuthorizationResult;
import org.apache.nifi.authorization.Authorizer;
import org.apache.nifi.authorization.AuthorizerConfigurationContext;
import org.apache.nifi.authorization.AuthorizerInitializationContext;

/** Allows everything to a user who has logged in, and nothing to anonymous requests. */
public final class OneUserAuthorizer implements Authorizer {

    @Override
    public AuthorizationResult authorize(final AuthorizationRequest request) {
        return request.isAnonymous() ? AuthorizationResult.denied("log in first") : AuthorizationResult.approved();
    }

    @Override
    public void initialize(final AuthorizerInitializationContext context) {
    }

    @Override
    public void onConfigured(final AuthorizerConfigurationContext context) {
    }

    @Override
    public void preDestruction() {
    }
}
