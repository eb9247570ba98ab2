"""Where the mesh sent every call of a capture, and why.

The rooms, in the order in which data walks through them: ``base`` (nouns), ``capture`` (bytes to packets as columns),
``flow`` (packets to connections and streams), ``protocol`` (streams to what was said), ``mesh`` (YAML to what each
Envoy would be told), ``verdict`` (both to judgement), ``report`` (judgement to something to read), ``pipeline``,
``cli``.
"""
