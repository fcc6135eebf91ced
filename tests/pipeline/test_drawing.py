"""A pipeline as a drawing: stages, chains, triggers, moves."""

from tests.pipeline.builders import pipeline_with
from workflows.pipeline.graph import as_dot, as_mermaid

PIPELINE = pipeline_with("""
new:
  title: Accepted "today"
  rules:
    - id: first
      comment: a
    - id: later
      after: first
      wait: 3h
      hours: office
      move: lost
won:
  kind: success
  triggers: [{payment: paid, title: "Paid #1"}]
lost:
  kind: failure
  triggers: [{order: cancelled, from: [new, won], back: true}]
""")


def test_mermaid() -> None:
    assert as_mermaid(PIPELINE) == (
        "flowchart LR\n"
        '  subgraph s0["Accepted &quot;today&quot;"]\n'
        '    r0_first["comment: first"]\n'
        '    r0_later["move: later [3 hours, office]"]\n'
        "    r0_first --> r0_later\n"
        "  end\n"
        '  subgraph s1["won (success)"]\n'
        '    e1[" "]\n'
        "  end\n"
        '  subgraph s2["lost (failure)"]\n'
        '    e2[" "]\n'
        "  end\n"
        '  r0_later -.->|"moves"| s2\n'
        '  s0 -->|"Paid &num;1"| s1\n'
        '  s0 -->|"order.cancelled, may go back"| s2\n'
        '  s1 -->|"order.cancelled, may go back"| s2\n'
    )


def test_dot() -> None:
    drawn = as_dot(PIPELINE)
    assert drawn.startswith("digraph pipeline {\n")
    assert 'label="Accepted \\"today\\"";' in drawn
    assert "r0_first -> r0_later;" in drawn
    assert 'r0_later -> s2 [label="moves", lhead=cluster_s2, style=dashed];' in drawn
    assert 's0 -> s1 [label="Paid #1", lhead=cluster_s1, ltail=cluster_s0];' in drawn
    assert drawn.count("{") == drawn.count("}")
