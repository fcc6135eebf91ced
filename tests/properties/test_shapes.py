"""The pipelines that the property tests put together are those that the loader makes of their YAML."""

from hypothesis import given, seed, settings

from tests.properties.shapes import Shape, loaded, pipeline_of, pipelines, yaml_of


def test_a_pipeline_put_together_is_the_one_its_file_describes(profile: settings, search_seed: int) -> None:
    """Random pipelines are real ones."""

    @seed(search_seed)
    @settings(profile, max_examples=40)
    @given(pipelines())
    def compare(shape: Shape) -> None:
        assert pipeline_of(shape) == loaded(yaml_of(shape))

    compare()
