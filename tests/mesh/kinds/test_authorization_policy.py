"""AuthorizationPolicy: fields become matches with one key each."""

from analyzer.mesh.kinds.authorization_policy import AuthorizationPolicy


def policy_of(world, spec, **rest):
    return world.add("AuthorizationPolicy", "rules", spec, **rest).mesh().of(AuthorizationPolicy)[0]


def test_the_action_is_allow_unless_said_otherwise(world):
    assert policy_of(world, {}).action == "ALLOW"
    assert policy_of(world, {"action": "DENY"}).action == "DENY"


def test_a_rule_without_from_and_to_has_one_of_each_that_everything_matches(world):
    (rule,) = policy_of(world, {"rules": [{}]}).rules
    assert (rule.sources, rule.operations, rule.conditions) == (((),), ((),), ())


def test_fields_carry_the_key_that_means_the_same(world):
    spec = {
        "rules": [
            {
                "from": [
                    {"source": {"principals": ["a"], "notNamespaces": ["b"]}},
                    {"source": {"ipBlocks": ["10.0.0.1"]}},
                ],
                "to": [{"operation": {"ports": ["80"], "notPaths": ["/x"]}}],
                "when": [{"key": "connection.sni", "values": ["c"]}, {"key": "source.ip"}],
            }
        ]
    }
    (rule,) = policy_of(world, spec).rules
    assert [[m.key for m in source] for source in rule.sources] == [
        ["source.principal", "source.namespace"],
        ["source.ip"],
    ]
    assert [[(m.key, m.values, m.not_values) for m in each] for each in rule.operations] == [
        [("request.path", (), ("/x",)), ("destination.port", ("80",), ())]
    ]
    assert [m.key for m in rule.conditions] == ["connection.sni"]
    assert rule.sources[0][1].place.field.endswith("notNamespaces")


def test_dry_run_and_provider_are_read(world):
    policy = policy_of(world, {"provider": {"name": "ext"}}, annotations={"istio.io/dry-run": "true"})
    assert policy.dry_run
    assert policy.provider == "ext"


def test_targets_are_read_in_both_spellings(world):
    one = {"group": "gateway.networking.k8s.io", "kind": "Gateway", "name": "edge"}
    assert policy_of(world, {"targetRefs": [one]}).targets[0].name == "edge"
    assert policy_of(world, {"targetRef": one}).targets[0].kind == "Gateway"
    assert policy_of(world, {}).targets == ()
